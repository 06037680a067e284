//! What receivers get to see.

use super::*;

#[tokio::test]
async fn the_request_is_written_as_documented() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let url = format!("http://{}/hook?tenant=a%20b", receiver.address());
    assert_delivered(&attempt(&url, AMPLE).await, 204);
    let received = receiver.next().await;
    let expected = format!(
        "POST /hook?tenant=a%20b HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n",
        receiver.address()
    );
    assert_eq!(String::from_utf8_lossy(&received.head), expected);
    assert_eq!(&received.body[..], br#"{"call":"ended"}"#);
}

#[tokio::test]
async fn bodies_of_every_size_arrive_byte_for_byte_and_are_never_chunked() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let (sender, pool) = (sender(), Connections::default());
    for size in [0, 1, 1_000, 70_000, 1024 * 1024, 5_000_000] {
        let body: Bytes = (0..size).map(|n| (n % 251) as u8).collect();
        let request = signed_with(&receiver.url(), body.clone());
        assert_delivered(&sender.send(&pool, &request, AMPLE).await, 204);
        let received = receiver.next().await;
        assert_eq!(received.header("content-length"), Some(size.to_string().as_str()));
        assert_eq!(received.header("transfer-encoding"), None);
        assert!(received.body == body, "{size} bytes arrived changed");
    }
}

#[tokio::test]
async fn repeated_header_names_all_arrive() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    let mut request = signed(&receiver.url());
    request.headers.append("x-many", HeaderValue::from_static("1"));
    request.headers.append("x-many", HeaderValue::from_static("2"));
    assert_delivered(&sender().send(&Connections::default(), &request, AMPLE).await, 204);
    let received = receiver.next().await;
    let many: Vec<_> = received.headers.iter().filter(|(name, _)| name == "x-many").map(|(_, v)| v.as_str()).collect();
    assert_eq!(many, ["1", "2"]);
}

#[tokio::test]
async fn the_address_dialled_is_named() {
    let receiver = Receiver::start(|_| Reply::status(204)).await;
    assert_eq!(attempt(&receiver.url(), AMPLE).await.remote_addr, Some(receiver.address()));
}
