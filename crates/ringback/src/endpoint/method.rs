//! The methods that requests may have: those that carry a body and ask a receiver to take it.

use crate::word::words;

words! {
    /// The method of a request.
    #[derive(Default)]
    Method {
        #[default]
        Post "POST": "the receiver takes what is sent",
        Put "PUT": "it stores what is sent under the URL",
        Patch "PATCH": "it changes what is under the URL",
    }
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
        }
    }
}
