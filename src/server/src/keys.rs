//! Who may do what: keys, of which only hashes are kept.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use endpoint::{Action, Refusal, Route};
use monitor::Exception;
use registry::Name;
use serde::{Deserialize, Serialize};

use crate::folder::write_whole;

const PREFIX: &str = "mr";

/// All keys of a registry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Keys {
    /// In the order in which they were made.
    pub keys: Vec<Key>,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// Names it in lists and in the log; a part of the key itself.
    pub id: String,
    /// Which of the two keys of its holder it is: one is replaced while the other is in use.
    pub slot: Slot,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: u64,
    /// When it ends, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// Requests a second, at most; none for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// BLAKE3 of the secret, which has 256 random bits.
    hash: String,
}

/// Which of two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The first.
    Primary,
    /// The second.
    Secondary,
}

impl Slot {
    /// Both.
    pub const ALL: &[Self] = &[Self::Primary, Self::Secondary];
}

/// What a key may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Scope {
    /// Predict with this endpoint, and read what it is.
    Infer(Name),
    /// Predict with every endpoint, and read what they are.
    InferAll,
    /// Read what is served and how it serves.
    Read,
    /// Read counters.
    Metrics,
    /// Start and stop endpoints, and all of the above.
    Admin,
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Infer(endpoint) => format!("infer:{endpoint}"),
            Scope::InferAll => "infer:*".into(),
            Scope::Read => "read".into(),
            Scope::Metrics => "metrics".into(),
            Scope::Admin => "admin".into(),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "infer:*" => Ok(Self::InferAll),
            "read" => Ok(Self::Read),
            "metrics" => Ok(Self::Metrics),
            "admin" => Ok(Self::Admin),
            other => match other.strip_prefix("infer:") {
                Some(endpoint) => Name::new(endpoint).map(Self::Infer).map_err(|error| error.to_string()),
                None => Err(format!("{other:?} is no scope: expected infer:NAME, infer:*, read, metrics or admin")),
            },
        }
    }
}

impl Scope {
    fn allows(&self, route: &Route<'_>) -> bool {
        let is_model = |endpoint: &Name| route.model == Some(endpoint.as_str());
        match route.action {
            Action::Server | Action::Live | Action::Ready => true,
            Action::Load | Action::Unload => *self == Self::Admin,
            Action::Metrics => matches!(self, Self::Metrics | Self::Admin),
            Action::Infer | Action::Invocations | Action::Score | Action::Feedback => match self {
                Self::Infer(endpoint) => is_model(endpoint),
                Self::InferAll | Self::Admin => true,
                Self::Read | Self::Metrics => false,
            },
            Action::Metadata | Action::ModelDocs | Action::ModelReady => match self {
                Self::Infer(endpoint) => is_model(endpoint),
                Self::InferAll | Self::Read | Self::Admin => true,
                Self::Metrics => false,
            },
            Action::Models | Action::Docs | Action::Index | Action::Stats => {
                matches!(self, Self::Read | Self::InferAll | Self::Admin)
            }
        }
    }
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Which of the two keys with these scopes: it takes the place of the one before.
    pub slot: Slot,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it ends, in milliseconds since 1970.
    pub expires_at: Option<u64>,
    /// Requests a second, at most.
    pub per_second: Option<f64>,
}

impl Keys {
    /// Those of a file; none if it is not there.
    ///
    /// # Errors
    /// The file cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Self> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Changes those of a file, which nobody else changes meanwhile; only its owner may read it.
    ///
    /// # Errors
    /// The change is refused, or the file cannot be read or written.
    pub fn change<T>(path: &Path, change: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        // The file of the keys is replaced as a whole, and a lock on it would go with it.
        let beside = path.with_extension("lock");
        let lock = File::create(&beside).and_then(|file| file.lock().map(|()| file));
        let _lock = lock.with_context(|| format!("{} cannot be locked", beside.display()))?;
        let mut keys = Self::read(path)?;
        let changed = change(&mut keys)?;
        write_whole(path, &serde_json::to_vec_pretty(&keys)?, 0o600)?;
        Ok(changed)
    }

    /// Makes a key in place of the one in its slot, and gives it as text: it is never seen again.
    ///
    /// # Errors
    /// This computer has no randomness to give.
    pub fn make(&mut self, new: NewKey, now_ms: u64) -> Result<String> {
        let mut bytes = [0; 38];
        getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes are to be had: {error}"))?;
        // Six bytes make eight characters; an underscore would end the name too early.
        let id = URL_SAFE_NO_PAD.encode(&bytes[..6]).replace(['_', '-'], "x");
        let secret = URL_SAFE_NO_PAD.encode(&bytes[6..]);
        self.keys.retain(|key| key.slot != new.slot || key.scopes != new.scopes);
        self.keys.push(Key {
            id: id.clone(),
            slot: new.slot,
            scopes: new.scopes,
            created_at: now_ms,
            expires_at: new.expires_at,
            per_second: new.per_second,
            hash: hash_of(&secret).to_hex().to_string(),
        });
        Ok(format!("{PREFIX}_{id}_{secret}"))
    }

    /// The key that a request brings, if it may do what it asks for. Without any key in the registry everyone may.
    ///
    /// # Errors
    /// No key, an unknown or expired one, or one that may not.
    pub fn admit(&self, bearer: Option<&str>, route: &Route<'_>, now_ms: u64) -> Result<Option<&Key>, Refusal> {
        let is_open = matches!(route.action, Action::Live | Action::Ready | Action::Server);
        if self.keys.is_empty() || is_open {
            return Ok(None);
        }
        let unknown = |why: &str| Refusal::new(Exception::Unauthenticated, why);
        let bearer = bearer.ok_or_else(|| unknown("a key is needed: send it as `Authorization: Bearer KEY`"))?;
        let mut parts = bearer.splitn(3, '_');
        let parts = (parts.next(), parts.next(), parts.next());
        let (Some(PREFIX), Some(id), Some(secret)) = parts else { return Err(unknown("this is no key")) };
        let key = self.keys.iter().find(|key| key.id == id).ok_or_else(|| unknown("this key is not known"))?;
        let kept = blake3::Hash::from_hex(&key.hash).map_err(|_| unknown("this key is not known"))?;
        // BLAKE3's hashes are compared in constant time.
        if kept != hash_of(secret) {
            return Err(unknown("this key is not known"));
        }
        if key.expires_at.is_some_and(|at| at <= now_ms) {
            return Err(unknown("this key has expired: ask for a new one"));
        }
        if key.scopes.iter().any(|scope| scope.allows(route)) {
            return Ok(Some(key));
        }
        let scopes: Vec<String> = key.scopes.iter().cloned().map(String::from).collect();
        let message = format!("the key {} may not do this; it may {}", key.id, scopes.join(", "));
        Err(Refusal::new(Exception::Forbidden, message))
    }
}

fn hash_of(secret: &str) -> blake3::Hash {
    blake3::hash(secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str) -> Route<'_> {
        let method = if path.ends_with("infer") || path.ends_with("load") { "POST" } else { "GET" };
        Route::of(method, path).expect("an address")
    }

    fn new(scope: &str, slot: Slot) -> NewKey {
        let scopes = vec![Scope::try_from(scope.to_owned()).expect("a scope")];
        NewKey { slot, scopes, expires_at: None, per_second: None }
    }

    fn status(keys: &Keys, key: Option<&str>, path: &str) -> u16 {
        keys.admit(key, &route(path), 1_000).err().map_or(200, |refusal| refusal.status)
    }

    #[test]
    fn a_key_opens_what_its_scope_says() {
        let mut keys = Keys::default();
        assert_eq!(status(&keys, None, "/v2/models/churn/infer"), 200, "without keys everyone may");
        let key = keys.make(new("infer:churn", Slot::Primary), 0).expect("randomness");
        assert_eq!(status(&keys, None, "/v2/models/churn/infer"), 401);
        assert_eq!(status(&keys, Some("mr_x_y"), "/v2/models/churn/infer"), 401);
        assert_eq!(status(&keys, Some(&format!("{key}x")), "/v2/models/churn/infer"), 401);
        assert_eq!(status(&keys, Some(&key), "/v2/models/churn/infer"), 200);
        assert_eq!(status(&keys, Some(&key), "/v2/models/churn"), 200);
        assert_eq!(status(&keys, Some(&key), "/v2/models/iris/infer"), 403);
        assert_eq!(status(&keys, Some(&key), "/metrics"), 403);
        assert_eq!(status(&keys, None, "/v2/health/ready"), 200);
        let admin = keys.make(new("admin", Slot::Primary), 0).expect("randomness");
        assert_eq!(status(&keys, Some(&key), "/v2/repository/models/churn/load"), 403);
        assert_eq!(status(&keys, Some(&admin), "/v2/repository/models/churn/load"), 200);
    }

    #[test]
    fn one_key_is_replaced_while_the_other_is_in_use() {
        let mut keys = Keys::default();
        let first = keys.make(new("infer:*", Slot::Primary), 0).expect("randomness");
        let second = keys.make(new("infer:*", Slot::Secondary), 0).expect("randomness");
        let third = keys.make(new("infer:*", Slot::Primary), 0).expect("randomness");
        let path = "/v2/models/churn/infer";
        assert_eq!([&first, &second, &third].map(|key| status(&keys, Some(key), path)), [401, 200, 200]);
    }

    #[test]
    fn keys_that_are_made_at_once_are_all_kept() {
        let folder = std::env::temp_dir().join(format!("millrace-keys-{}", std::process::id()));
        let path = folder.join("keys.json");
        std::thread::scope(|scope| {
            for n in 0..8 {
                let path = &path;
                let make = move |keys: &mut Keys| keys.make(new(&format!("infer:m{n}"), Slot::Primary), 0);
                scope.spawn(move || Keys::change(path, make).expect("it is made"));
            }
        });
        let kept = Keys::read(&path).expect("they are read").keys;
        fs::remove_dir_all(&folder).expect("it was made");
        assert_eq!(kept.len(), 8);
    }

    #[test]
    fn a_key_ends_and_its_secret_is_not_kept() {
        let mut keys = Keys::default();
        let key = keys.make(NewKey { expires_at: Some(1_000), ..new("read", Slot::Primary) }, 0).expect("randomness");
        let refusal = keys.admit(Some(&key), &route("/v2/models"), 1_000).expect_err("it has ended");
        assert_eq!(refusal.message, "this key has expired: ask for a new one");
        let secret = key.rsplit('_').next().expect("its last part");
        let written = serde_json::to_string(&keys).expect("plain data");
        assert!(!written.contains(secret), "{written}");
        assert_eq!(serde_json::from_str::<Keys>(&written).expect("it is read"), keys);
    }
}
