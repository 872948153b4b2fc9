//! Which house a command talks to, and as whom.

use crate::{
    client::Client,
    error::{Error, Result},
    house::House,
    terminal,
    topology::{
        issuer::{Claims, Issuer},
        names,
    },
};
use clap::Args;
use std::{path::PathBuf, sync::Once};
use switchboard_shared::{
    config::{Secret, web_url, word_of},
    proxy::{self, Proxy},
};
use url::Url;

/// Whom the commands speak as in a development house.
const USER: &str = "ann";

/// Where the house is. Without any of these, the one that `switchboard up` runs on this machine.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Where")]
pub struct Access {
    /// The address of an edge
    #[arg(long, env = "SWITCHBOARD_URL", value_parser = web_url)]
    pub url: Option<Url>,
    /// The CA file to trust instead of the machine's own
    #[arg(long, value_name = "FILE", env = "SWITCHBOARD_CA")]
    pub ca: Option<PathBuf>,
    /// The token; better in the environment, since others on this machine can see a command line
    #[arg(long, env = "SWITCHBOARD_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The proxy on the way to --url; those of the environment (HTTP_PROXY and its like) are not read
    #[arg(long, value_name = "URL", env = "SWITCHBOARD_PROXY", hide_env_values = true, requires = "url")]
    pub proxy: Option<String>,
    /// The data folder of a house on this machine
    #[arg(long, value_name = "DIR", env = "SWITCHBOARD_DATA")]
    pub data: Option<PathBuf>,
}

impl Access {
    /// Makes a client with these roles, when the token is ours to make.
    ///
    /// # Errors
    /// When no house is running here and none is given, or there is no token.
    pub fn client(&self, roles: &[&str]) -> Result<Client> {
        match &self.url {
            Some(url) => {
                let url = names::reachable(url.clone());
                Client::through(&self.proxy()?, url, self.ca.as_deref(), &self.token(roles)?)
            }
            None => {
                let (house, token) = (self.house()?, self.token(roles)?);
                let ca = self.ca.as_deref().unwrap_or(&house.ca);
                Ok(Client::new(house.url.clone(), Some(ca), &token)?.of_house(house.clone()))
            }
        }
    }

    /// Where the edges are now.
    ///
    /// # Errors
    /// When no house is running here and none is given.
    pub fn edges(&self) -> Result<Vec<Url>> {
        if let Some(url) = &self.url {
            return Ok(vec![names::reachable(url.clone())]);
        }
        let house = self.house()?;
        let others = house.edges.iter().map(|edge| edge.url.clone()).filter(|url| *url != house.url);
        Ok(std::iter::once(house.url.clone()).chain(others).collect())
    }

    /// The running house; says which one it is when nobody would expect it.
    fn house(&self) -> Result<House> {
        static SAID: Once = Once::new();
        let house = House::find(self.data.as_deref())?;
        if self.data.is_none() && !house.is_here() {
            SAID.call_once(|| {
                let data = house.data.display();
                terminal::say(&format!(
                    "no house runs on ./data; this is the one of {data} (--data chooses)"
                ));
            });
        }
        Ok(house)
    }

    /// Takes the given token, or makes one for an hour.
    ///
    /// # Errors
    /// When none is given and there is no development issuer here.
    pub fn token(&self, roles: &[&str]) -> Result<String> {
        if let Some(token) = &self.token {
            return one_word(token);
        }
        if self.url.is_some() && self.data.is_none() {
            return Err(Error::Auth("a token is needed: set SWITCHBOARD_TOKEN".to_owned()));
        }
        let issuer = self.issuer()?;
        issuer.token(&Claims::demo(USER, roles)?, chrono::Utc::now().timestamp())
    }

    fn proxy(&self) -> Result<Proxy> {
        let proxy = Proxy::new(Secret::new(self.proxy.clone().unwrap_or_default()));
        if proxy.is_valid() { Ok(proxy) } else { Err(Error::Invalid(format!("--proxy {}", proxy::FORM))) }
    }

    /// The development issuer of the house.
    ///
    /// # Errors
    /// When its data folder has none.
    pub fn issuer(&self) -> Result<Issuer> {
        let data = self.house().map_or_else(|_| House::data_folder(self.data.as_deref()), |house| house.data);
        let folder = data.join("issuer");
        if !folder.join("key.pem").is_file() {
            return Err(Error::Auth(format!(
                "no development issuer is configured here: {} has no key (one is made by `switchboard up`). A house \
                 in production takes its tokens from the identity provider in its edge.toml, [auth] issuer",
                folder.display()
            )));
        }
        Issuer::open(&folder)
    }
}

/// A token as it is sent, out of a file or a header that it was copied from.
fn one_word(token: &str) -> Result<String> {
    let word = word_of(token);
    let word = match word.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim_start(),
        _ => word,
    };
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(word.to_owned());
    }
    let reason = "the token is empty, or has a blank, a line break or another sign within that no token has";
    Err(Error::Auth(reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_without_what_files_and_headers_put_around_it() {
        for (name, given, word) in [
            ("as it is", "a.b.c", Some("a.b.c")),
            ("a line break", "a.b.c\n", Some("a.b.c")),
            ("that of Windows, and its mark", "\u{FEFF}a.b.c\r\n", Some("a.b.c")),
            ("blanks", "  a.b.c\t", Some("a.b.c")),
            ("the scheme", "Bearer a.b.c\n", Some("a.b.c")),
            ("broken in the middle", "a.b\n.c", None),
            ("two", "a.b.c d.e.f", None),
            ("nothing", "\n", None),
            ("no ASCII", "a.b.ç", None),
        ] {
            let access = Access { token: Some(given.to_owned()), ..Access::default() };
            assert_eq!(access.token(&[]).ok().as_deref(), word, "{name}");
        }
    }

    #[test]
    fn a_given_token_is_used_and_a_missing_issuer_is_said() {
        let access = Access { token: Some("t".into()), ..Access::default() };
        assert_eq!(access.token(&["user"]).unwrap(), "t");
        let access = Access { data: Some("/nonexistent".into()), ..Access::default() };
        let error = access.token(&["user"]).unwrap_err();
        assert_eq!(error.exit_code(), 5);
        assert!(error.to_string().contains("no development issuer is configured here"), "{error}");
        let access = Access { url: Some("https://chat.example".parse().unwrap()), ..Access::default() };
        assert_eq!(access.token(&["user"]).unwrap_err().exit_code(), 5);
    }
}
