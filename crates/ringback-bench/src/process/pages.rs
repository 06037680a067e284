//! The pages of a node, asked as a browser would without drawing them.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode, header};
use url::form_urlencoded::Serializer;

use super::{
    connection::Connection,
    node::{Node, TOKEN},
};
use crate::failure::{Failure, Result};

const FORM: &str = "application/x-www-form-urlencoded";

/// A session of the dashboard.
pub(crate) struct Pages {
    connection: Connection,
    cookie: String,
}

impl Pages {
    /// Logs in.
    pub(crate) async fn log_in(node: &Node) -> Result<Self> {
        let mut pages = Self { connection: node.connect().await?, cookie: String::new() };
        let form = pages.form_of("/login").await?;
        let body = Serializer::new(String::new()).append_pair("form", &form).append_pair("token", TOKEN).finish();
        let request = pages.connection.request("POST", "/login").header(header::CONTENT_TYPE, FORM);
        let answer = pages.connection.answer(request.body(Full::from(body))?).await?;
        let cookie = answer.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        pages.cookie = cookie.ok_or_else(|| Failure::new(format!("no session: {}", answer.status())))?;
        Ok(pages)
    }

    /// The whole page, or the one that it sends the browser to.
    pub(crate) async fn show(&mut self, path: &str) -> Result<String> {
        let answer = self.connection.answer(self.get(path)?).await?;
        let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        match to.filter(|_| answer.status().is_redirection()) {
            Some(to) => self.send(&to, self.get(&to)?).await,
            None => page_of(path, answer.status(), answer.body()),
        }
    }

    fn get(&self, path: &str) -> Result<Request<Full<Bytes>>> {
        Ok(self.connection.request("GET", path).header(header::COOKIE, &self.cookie).body(Full::default())?)
    }

    /// The token of the forms on a page.
    pub(crate) async fn form_of(&mut self, path: &str) -> Result<String> {
        let page = self.show(path).await?;
        let token = page.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        token.map(str::to_owned).ok_or_else(|| Failure::new(format!("there is no form on {path}")))
    }

    /// Submits a form.
    pub(crate) async fn submit(&mut self, path: &str, form: &str, fields: &[(&'static str, String)]) -> Result<()> {
        let body = Serializer::new(String::new()).append_pair("form", form).extend_pairs(fields).finish();
        let request = self.connection.request("POST", path).header(header::COOKIE, &self.cookie);
        self.send(path, request.header(header::CONTENT_TYPE, FORM).body(Full::from(body))?).await.map(drop)
    }

    async fn send(&mut self, path: &str, request: Request<Full<Bytes>>) -> Result<String> {
        let (status, page) = self.connection.send(request).await?;
        page_of(path, status, &page)
    }
}

fn page_of(path: &str, status: StatusCode, page: &[u8]) -> Result<String> {
    let page = String::from_utf8_lossy(page).into_owned();
    if status.is_success() { Ok(page) } else { Err(Failure::new(format!("{path} was answered with {status}: {page}"))) }
}
