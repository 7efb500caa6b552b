//! Packets of a MySQL handshake: the greeting of a server, the first packets of a client, and what comes between
//! them and the end of a login. What parses is written again and must say the same.
//!
//! Input: a byte that says which, eight bytes of capabilities (those that were offered, or agreed on), the payload.

use jurat_wire::mysql::auth::{AuthReply, put_more, put_switch};
use jurat_wire::mysql::capability::Capabilities;
use jurat_wire::mysql::handshake::{Answer, ClientHello, Greeting, Response};

/// Checks one input.
pub(crate) fn check(data: &[u8]) {
    let Some((&[kind, a, b, c, d, e, f, g, h], payload)) = data.split_first_chunk::<9>() else {
        return;
    };
    let halves = [[a, b, c, d], [e, f, g, h]].map(u32::from_le_bytes);
    let capabilities = Capabilities::from_halves(halves[0], halves[1]);
    match kind % 3 {
        0 => greeting(payload),
        1 => hello(payload, capabilities),
        _ => reply(payload, capabilities),
    }
}

fn greeting(payload: &[u8]) {
    let Ok(greeting) = Greeting::parse(payload) else { return };
    let mut out = Vec::new();
    if greeting.put(&mut out).is_ok() {
        let again = Greeting::parse(&out).expect("what was written can be read");
        assert_eq!(again.version, greeting.version);
        assert_eq!(again.challenge, greeting.challenge);
        assert_eq!(again.plugin, greeting.plugin);
        assert!(again.capabilities.contains(greeting.capabilities));
    }
}

fn hello(payload: &[u8], offered: Capabilities) {
    let response = match ClientHello::parse(payload, offered) {
        Ok(ClientHello::Response(response)) => response,
        Ok(ClientHello::Ssl(fixed)) => {
            let mut out = Vec::new();
            fixed.put(&mut out);
            assert_eq!(ClientHello::parse(&out, offered), Ok(ClientHello::Ssl(fixed)));
            return;
        }
        Err(_) => return,
    };
    let Response { fixed, user, auth, schema, plugin, attributes } = &response;
    let parts = user.len() + auth.0.expose().len() + schema.map_or(0, <[u8]>::len);
    assert!(parts < payload.len(), "the parts are parts of the packet");
    let pairs: Vec<_> =
        attributes.iter().flat_map(jurat_wire::mysql::value::Attributes::iter).collect();
    let text = |text: &'_ [u8]| std::str::from_utf8(text).ok().map(str::to_owned);
    let Some(pairs) = pairs
        .iter()
        .map(|(name, value)| Some((text(name)?, text(value)?)))
        .collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let both = fixed.claimed.and(offered);
    let claimed = both.with(Capabilities::SECURE_CONNECTION).with(Capabilities::PROTOCOL_41);
    let answer = Answer {
        fixed: jurat_wire::mysql::handshake::Fixed { claimed, ..*fixed },
        user,
        auth: auth.0.expose(),
        schema: *schema,
        plugin: plugin.unwrap_or_default(),
        attributes: &pairs,
    };
    let mut out = Vec::new();
    if answer.put(&mut out).is_err() {
        return;
    }
    let again =
        ClientHello::parse(&out, claimed.without(Capabilities::SSL).without(Capabilities::ZSTD));
    let Ok(ClientHello::Response(again)) = again else { panic!("{again:?}") };
    assert_eq!((again.user, again.auth, again.schema), (*user, *auth, *schema));
    assert_eq!(again.plugin, *plugin);
}

fn reply(payload: &[u8], capabilities: Capabilities) {
    let mut out = Vec::new();
    match AuthReply::parse(payload, capabilities) {
        Ok(AuthReply::More(data)) => put_more(&mut out, data.expose()),
        Ok(AuthReply::Switch { plugin, challenge }) => {
            let Some(challenge) = challenge.strip_suffix(&[0]) else { return };
            if put_switch(&mut out, plugin, challenge).is_err() {
                return;
            }
        }
        Ok(AuthReply::Ok(_) | AuthReply::Err(_)) | Err(_) => return,
    }
    assert_eq!(out, payload);
}
