//! Mistakes that keep a receiver from being built. None of them shows anything of a token.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::{Kind, Mount, ReceiverBuilder, ReceiverSettings};
use crate::api::Api;
use crate::receiver::health::STATUS;
use crate::receiver::{path, split};

impl ReceiverBuilder {
    /// Lists every mistake: those of one path together, in the order in which they were made.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mounts = self.mounts.iter().flat_map(|mount| self.at(&mount.path, mount.mistakes()));
        let healthz =
            self.settings.healthz.iter().flat_map(|path| self.at(path, path::mistake(path)));
        let mut mistakes: Vec<_> = mounts.chain(healthz).collect();
        mistakes.extend(self.taken_twice());
        mistakes.extend(self.hidden_secrets());
        mistakes.extend(self.health_mistakes());
        mistakes.extend(self.settings.mistakes());
        if self.mounts.is_empty() && self.settings.healthz.is_empty() && self.checks.is_empty() {
            mistakes.push("no routes: expected an API, such as `bot`".to_owned());
        }
        mistakes
    }

    fn at<P: Display>(&self, path: &str, problems: impl IntoIterator<Item = P>) -> Vec<String> {
        let problems = problems.into_iter();
        problems.map(|problem| format!("path `{}`: {problem}", self.redacted(path))).collect()
    }

    /// Returns a path as it may be shown: a secret in it is replaced.
    pub(super) fn redacted(&self, path: &str) -> String {
        let is_secret = |segment| self.mounts.iter().any(|mount| mount.is_secret(segment));
        let segments = path.split('/').map(|segment| {
            if is_secret(segment) { "<secret>".into() } else { segment.escape_debug().to_string() }
        });
        segments.collect::<Vec<_>>().join("/")
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        let mounts = self.mounts.iter().map(|mount| &mount.path);
        mounts.chain(&self.settings.healthz).map(String::as_str)
    }

    fn taken_twice(&self) -> Vec<String> {
        let mut taken = BTreeSet::new();
        let twice = self.paths().filter(|path| !taken.insert(path::canonical(path)));
        twice.flat_map(|path| self.at(path, ["taken twice"])).collect()
    }

    /// Finds secrets that never arrive: the path with the secret is mounted itself, and looked up
    /// first.
    fn hidden_secrets(&self) -> Vec<String> {
        let mounts = self.mounts.iter().map(|mount| (path::canonical(&mount.path), mount));
        let mounts: BTreeMap<_, _> = mounts.collect();
        let hidden = self.paths().filter_map(|path| {
            let path = path::canonical(path);
            let (parent, segment) = split(&path)?;
            mounts.get(parent).filter(|mount| mount.is_secret(segment))
        });
        let problem = "with its secret appended, it is the path of another API or of `healthz`";
        hidden.flat_map(|mount| self.at(&mount.path, [problem])).collect()
    }

    fn health_mistakes(&self) -> Vec<String> {
        let healthz = &self.settings.healthz;
        let mut mistakes = Vec::new();
        let mut names = BTreeSet::from([STATUS]);
        let mistake =
            |name: &str, problem| format!("health check `{}`: {problem}", name.escape_debug());
        for (name, _) in &self.checks {
            if !names.insert(name) {
                mistakes.push(mistake(name, "the name is taken"));
            }
        }
        if let (true, Some((name, _))) = (healthz.is_empty(), self.checks.first()) {
            mistakes.push(mistake(name, "expected a path, set by `healthz`"));
        }
        if healthz.len() > 1 {
            mistakes.push("`healthz`: set more than once, expected one path".to_owned());
        }
        mistakes
    }
}

impl Mount {
    fn mistakes(&self) -> Vec<String> {
        let mut mistakes: Vec<_> = path::mistake(&self.path).into_iter().collect();
        let is_in_path = self.auth.is_in_path();
        let others = [
            (
                is_in_path && self.path.len() > 1 && self.path.ends_with('/'),
                "expected no `/` at the end before a secret",
            ),
            (
                self.path.split('/').any(|segment| self.is_secret(segment)),
                "expected the path without the secret, which is appended to it",
            ),
            (
                matches!(self.kind, Kind::Api(Api::Contact)) && self.auth.is_in_header(),
                "SnapEngage sends no token in a header here, expected `Auth::secret_path`",
            ),
        ];
        let others = others.iter().filter(|(is_made, _)| *is_made);
        mistakes.extend(others.map(|&(_, mistake)| mistake.to_owned()));
        mistakes.extend(self.auth.mistakes());
        if let Kind::Room(room) = &self.kind {
            mistakes.extend(room.mistakes.iter().cloned());
        }
        mistakes
    }

    fn is_secret(&self, segment: &str) -> bool {
        self.auth.is_in_path() && self.auth.is_secret(&path::canonical(segment))
    }
}

impl ReceiverSettings {
    fn mistakes(&self) -> Vec<String> {
        let zero = [
            ("body_limit", self.limits.size == 0),
            ("memory_limit", self.memory == 0),
            ("body_deadline", self.limits.deadline.is_zero()),
            ("feed_deadline", self.feed_deadline.is_zero()),
            ("bot_deadline", self.bot_deadline.is_zero()),
            ("contact_deadline", self.contact_deadline.is_zero()),
            ("health_deadline", self.health_deadline.is_zero()),
        ];
        let zero = zero.iter().filter(|(_, is_zero)| *is_zero);
        let mut mistakes: Vec<_> =
            zero.map(|(setting, _)| format!("`{setting}`: expected more than zero")).collect();
        let silent = self.fallback.silent();
        mistakes.extend(
            silent.map(|setting| format!("`{setting}`: expected something the visitor notices")),
        );
        mistakes
    }
}
