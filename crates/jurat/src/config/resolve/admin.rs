//! The section `[admin]` and the receivers of webhooks, checked.

use std::{path::Path, time::Duration};

use jurat_console::{Format, Target};
use jurat_identity::document::{Document, DocumentError};

use crate::config::{
    AdminConfig, WebhookConfig, WebhookUrl,
    raw::{RawAdmin, RawEvent, RawFormat, RawUrl, RawWebhook},
};

/// How long a login lasts without a visit, and at most.
const IDLE_MAX: Duration = Duration::from_secs(15 * 60);
const LOGIN_MAX: Duration = Duration::from_secs(8 * 3600);

pub(super) fn resolve(
    raw: RawAdmin,
    webhooks: Vec<RawWebhook>,
    (base, has_tls): (&Path, bool),
    document: &Document,
) -> Result<AdminConfig, DocumentError> {
    if let Some(listen) = &raw.listen
        && !listen.get_ref().ip().is_loopback()
        && (!has_tls || raw.public_url.is_none())
    {
        return Err(document.error(
            listen.span(),
            "passwords and tokens do not go over a network in clear: elsewhere than on loopback, `listen` needs a \
             section [tls] and `public_url`",
        ));
    }
    if let Some(url) = &raw.public_url {
        let text = url.get_ref();
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = host.map(|host| host.trim_end_matches('/')).unwrap_or_default();
        if host.is_empty()
            || host.contains(['/', '?', '#', '@'])
            || host.contains(char::is_whitespace)
        {
            return Err(document.error(
                url.span(),
                "`public_url` has the form `https://host` or `https://host:port`",
            ));
        }
    }
    let mut names = std::collections::BTreeSet::new();
    let webhooks = webhooks
        .into_iter()
        .map(|webhook| {
            if !names.insert(webhook.name.get_ref().clone()) {
                return Err(
                    document.error(webhook.name.span(), "a webhook of that name is there already")
                );
            }
            resolve_webhook(webhook, base, document)
        })
        .collect::<Result<_, _>>()?;
    Ok(AdminConfig {
        admins: raw.admins.unwrap_or_else(|| vec!["group:admins".to_owned()]),
        listen: raw.listen.map(toml::Spanned::into_inner),
        public_url: raw.public_url.map(toml::Spanned::into_inner),
        idle_max: raw.idle_max.map_or(IDLE_MAX, |time| time.0),
        login_max: raw.login_max.map_or(LOGIN_MAX, |time| time.0),
        webhooks,
    })
}

fn resolve_webhook(
    raw: RawWebhook,
    base: &Path,
    document: &Document,
) -> Result<WebhookConfig, DocumentError> {
    let place = raw.name.span();
    let format = match raw.format {
        None | Some(RawFormat::Generic) => Format::Generic,
        Some(RawFormat::Slack) => Format::Slack,
        Some(RawFormat::Teams) => Format::Teams,
    };
    if format == Format::Generic && raw.secret.is_none() {
        return Err(document
            .error(place, "without a `secret`, a receiver cannot tell who has sent a message"));
    }
    let url = match raw.url {
        RawUrl::Text(text) => {
            Target::parse(&text).map_err(|error| document.error(place, error.to_string()))?;
            WebhookUrl::Text(text)
        }
        RawUrl::Secret(secret) => WebhookUrl::Secret(secret.relative_to(base)),
    };
    Ok(WebhookConfig {
        name: raw.name.into_inner(),
        url,
        format,
        secret: raw.secret.map(|secret| secret.relative_to(base)),
        events: raw.events.into_iter().map(|event| name_of(event).to_owned()).collect(),
        ca: raw.ca.map(|file| base.join(file)),
    })
}

fn name_of(event: RawEvent) -> &'static str {
    match event {
        RawEvent::Approved => "approval.approved",
        RawEvent::Canceled => "approval.canceled",
        RawEvent::Denied => "approval.denied",
        RawEvent::Expired => "approval.expired",
        RawEvent::Requested => "approval.requested",
        RawEvent::Used => "approval.used",
    }
}
