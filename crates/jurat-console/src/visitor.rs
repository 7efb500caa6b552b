//! Who sends a request, found out before anything is done for it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Form,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use jurat_types::{Principal, PrincipalKind};

use crate::{
    Console,
    guests::{Guest, same},
    listen::Peer,
    pages,
};

/// What a page that looks by itself sends, so that it does not keep its login alive.
const LOOKS: &str = "x-jurat-looks";

/// Somebody who is logged in to the console.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// Who, as users are known now.
    pub(crate) principal: Principal,
    /// What every form of this login has.
    pub(crate) csrf: String,
    /// The secret of the cookie.
    pub(crate) secret: String,
}

/// A form that a visitor has sent from a page of the console.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) visitor: Visitor,
    fields: BTreeMap<String, String>,
}

/// Whoever calls the API, by token.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Principal);

impl Console {
    /// Whose cookie it is.
    pub(crate) fn visitor(&self, headers: &HeaderMap, visits: bool) -> Option<Visitor> {
        let secret = cookie(headers, self.cookie_name())?;
        let Guest { name, csrf, .. } = self.guests.find(secret, visits, |name| {
            self.people.credential(name).scram_verifier.expose().clone()
        })?;
        let principal = self.people.credential(&name).principal.filter(may_visit)?;
        Some(Visitor { principal, csrf, secret: secret.to_owned() })
    }

    /// A name with `__Host-` is kept by browsers for this host alone, and is only taken over TLS.
    pub(crate) const fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-jurat" } else { "jurat" }
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str, seconds: Option<u64>) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
    }
}

/// Only people look after Jurat.
pub(crate) fn may_visit(principal: &Principal) -> bool {
    principal.kind == PrincipalKind::Person && principal.on_behalf_of.is_none()
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Whether a browser says that another site has made it send this. `Sec-Fetch-Site` is what browsers say themselves
/// (Fetch Metadata); older ones say where a form came from with `Origin`.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    match (text("origin"), text("host")) {
        (None, _) => false,
        (Some(origin), host) => origin.split_once("://").map(|(_, host)| host) != host,
    }
}

impl FromRequestParts<Arc<Console>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Self, Response> {
        let visits = !parts.headers.contains_key(LOOKS);
        console
            .visitor(&parts.headers, visits)
            .ok_or_else(|| Redirect::to("/login").into_response())
    }
}

impl FromRequest<Arc<Console>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, console).await?;
        let foreign = is_foreign(&parts.headers);
        let form = Form::from_request(Request::from_parts(parts, body), console).await;
        let Form(fields): Form<BTreeMap<String, String>> =
            form.map_err(IntoResponse::into_response)?;
        let ours = fields.get("csrf").is_some_and(|csrf| same(csrf, &visitor.csrf));
        if foreign || !ours {
            tracing::warn!(by = visitor.principal.id, "a form that is not one of the console");
            let why = "This form did not come from the console as you see it now. Go back, load the page again, and \
                       send it once more.";
            return Err(pages::failed(Some(&visitor), StatusCode::FORBIDDEN, why));
        }
        Ok(Self { visitor, fields })
    }
}

impl Posted {
    /// A field of the form; nothing where it is empty.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        /// What a person says about something, characters.
        const CHARS_MAX: usize = 500;
        let text = self.fields.get(name)?.trim();
        (!text.is_empty()).then(|| text.chars().take(CHARS_MAX).collect())
    }
}

impl FromRequestParts<Arc<Console>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Self, Response> {
        let from = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        let refused = |status, code, why| Err(crate::api::refused(status, code, why));
        if from.is_some_and(|from| console.guests.must_wait(from, None)) {
            let why = "too many wrong tokens came from this address; try again in five minutes";
            return refused(StatusCode::TOO_MANY_REQUESTS, "too_many", why);
        }
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        match token.and_then(|(_, token)| console.tokens.principal(token.trim())) {
            Some(principal) => Ok(Self(principal)),
            None => {
                if let (Some(from), Some(_)) = (from, given) {
                    console.guests.was_wrong(from, None);
                    tracing::warn!(client = %from, "a token that nobody has");
                }
                let why = "send `Authorization: Bearer <token>` with the token of an operator";
                refused(StatusCode::UNAUTHORIZED, "unauthenticated", why)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{cookie, is_foreign};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn what_another_site_makes_a_browser_send_is_foreign() {
        let host = ("host", "jurat:80");
        for (pairs, foreign) in [
            (vec![host], false),
            (vec![host, ("origin", "http://jurat:80")], false),
            (vec![host, ("origin", "http://evil:80")], true),
            (vec![host, ("origin", "http://jurat:8080")], true),
            (vec![host, ("origin", "null")], true),
            (vec![("origin", "http://jurat:80")], true),
            (vec![host, ("sec-fetch-site", "same-origin")], false),
            (vec![host, ("sec-fetch-site", "same-site")], true),
            (vec![host, ("sec-fetch-site", "cross-site"), ("origin", "http://jurat:80")], true),
        ] {
            assert_eq!(is_foreign(&headers(&pairs)), foreign, "{pairs:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let headers = headers(&[("cookie", "ajurat=1; jurat=2"), ("cookie", "x=3")]);
        assert_eq!(cookie(&headers, "jurat"), Some("2"));
        assert_eq!(cookie(&headers, "x"), Some("3"));
        assert_eq!(cookie(&headers, "urat"), None);
    }
}
