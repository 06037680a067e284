//! Style, script and icon, in the binary. Their names contain a hash of their contents, so browsers may cache them for good.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

/// A file that pages refer to.
pub(super) struct Asset {
    /// Under `assets/`.
    pub(super) name: String,
    kind: &'static str,
    bytes: &'static [u8],
}

/// The style of all pages.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("dashboard", "css", "text/css; charset=utf-8", include_bytes!("../../assets/dashboard.css"))
});

/// The script of all pages, as it is sent: without what only its readers need.
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let lines = include_str!("../../assets/dashboard.js").lines().map(str::trim_start);
    let sent = lines.filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
    Asset::new("dashboard", "js", "text/javascript; charset=utf-8", sent.leak().as_bytes())
});

/// What browsers show beside a page's title.
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")));

impl Asset {
    /// The name has 48 bits of the hash: enough to tell versions of a file apart.
    fn new(stem: &str, extension: &str, kind: &'static str, bytes: &'static [u8]) -> Self {
        let hash: String = Sha256::digest(bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("{stem}.{hash}.{extension}"), kind, bytes }
    }
}

/// `GET /assets/{name}`
pub(super) async fn send(Path(name): Path<String>) -> Response {
    let Some(asset) = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    ([(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)), (header::CACHE_CONTROL, kept)], asset.bytes)
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_small_and_of_one_file() {
        let text = std::str::from_utf8(SCRIPT.bytes).unwrap();
        assert!(text.len() < 4 * 1024, "{} bytes", text.len());
        for foreign in ["import", "eval", "innerHTML", "http:", "https:"] {
            assert!(!text.contains(foreign), "{foreign}");
        }
    }
}
