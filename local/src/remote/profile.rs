//! Credentials and the region, where the AWS command line looks for them too.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files" and "Environment variables". Only keys that are
//! written down are read: what signs in, assumes roles or asks a process is the AWS command line's, which exports what it gets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials};

use super::variable;
use crate::refusal::Refusal;

/// Where credentials are looked for, each time anew, so that those that are renewed count at once.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The profile that was asked for; it goes before the environment.
    asked: Option<String>,
}

/// The members of a profile.
type Profile = BTreeMap<String, String>;

impl Sources {
    pub(crate) fn new(asked: Option<String>) -> Self {
        Self { asked }
    }

    /// Makes sure that there are credentials.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        self.find().map(drop)
    }

    /// The region: the one that was asked for, the environment's, the profile's.
    pub(crate) fn region(&self, asked: Option<&str>) -> Result<String, Refusal> {
        let environment = || variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = match asked.map(str::to_owned).or_else(environment) {
            Some(region) => region,
            None => self
                .profile(&self.name())?
                .remove("region")
                .ok_or_else(|| Refusal::new("there is no region").help("name it with --region, or set AWS_REGION"))?,
        };
        let is_region = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && !region.is_empty();
        if is_region { Ok(region) } else { Err(Refusal::new(format!("`{region}` is not a region"))) }
    }

    /// Where the profile says that services are.
    pub(crate) fn endpoint(&self) -> Result<Option<String>, Refusal> {
        Ok(self.profile(&self.name())?.remove("endpoint_url"))
    }

    fn name(&self) -> String {
        self.asked.clone().or_else(|| variable("AWS_PROFILE")).unwrap_or_else(|| "default".to_owned())
    }

    fn find(&self) -> Result<Credentials, Refusal> {
        let own = variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY"));
        if let (None, Some((id, secret))) = (&self.asked, own) {
            return Ok(Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment"));
        }
        let name = self.name();
        let mut profile = self.profile(&name)?;
        let (id, secret) = (profile.remove("aws_access_key_id"), profile.remove("aws_secret_access_key"));
        let Some((id, secret)) = id.zip(secret) else {
            let missing = match profile.is_empty() && self.asked.is_none() && variable("AWS_PROFILE").is_none() {
                true => Refusal::new("there are no credentials")
                    .help("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile or AWS_PROFILE"),
                false => Refusal::new(format!("the profile `{name}` holds no aws_access_key_id and aws_secret_access_key")),
            };
            let export = format!("eval \"$(aws configure export-credentials --profile {name} --format env)\"");
            return Err(missing.help(format!("a profile that signs in or assumes a role is exported by `{export}`")));
        };
        Ok(Credentials::new(id, secret, profile.remove("aws_session_token"), None, "profile"))
    }

    /// What both files say of a profile; the credentials file wins.
    fn profile(&self, name: &str) -> Result<Profile, Refusal> {
        let home = || variable("HOME").or_else(|| variable("USERPROFILE")).map(|home| PathBuf::from(home).join(".aws"));
        let file = |own: &str, usual: &str| variable(own).map(PathBuf::from).or_else(|| home().map(|home| home.join(usual)));
        // The default profile has no prefix in either file.
        let in_config = if name == "default" { name.to_owned() } else { format!("profile {name}") };
        let files =
            [(file("AWS_CONFIG_FILE", "config"), in_config), (file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), name.to_owned())];
        let (mut profile, mut is_there) = (Profile::new(), false);
        for (path, section) in files {
            let Some(path) = path else { continue };
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Refusal::new(format!("`{}` cannot be read: {error}", path.display()))),
            };
            if let Some(found) = section_of(&text, &section) {
                is_there = true;
                profile.extend(found);
            }
        }
        match is_there || name == "default" {
            true => Ok(profile),
            false => Err(Refusal::new(format!("there is no profile `{name}`"))
                .help("profiles stand in ~/.aws/credentials and ~/.aws/config; AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name others")),
        }
    }
}

impl ProvideCredentials for Sources {
    fn provide_credentials<'a>(&'a self) -> provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        provider::future::ProvideCredentials::ready(self.find().map_err(CredentialsError::not_loaded))
    }
}

/// The members of a section; those of nested settings are left out.
fn section_of(text: &str, name: &str) -> Option<Profile> {
    let (mut found, mut inside) = (None, false);
    for line in text.lines() {
        let is_nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            inside = section.split_whitespace().eq(name.split_whitespace());
            if inside {
                found.get_or_insert_with(Profile::new);
            }
        } else if let (true, false, Some((key, value)), Some(found)) = (inside, is_nested, line.split_once('='), found.as_mut()) {
            let value = value.split(" #").next().unwrap_or_default().trim();
            if !value.is_empty() {
                found.insert(key.trim().to_ascii_lowercase(), value.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read_as_the_command_line_reads_them() {
        let text = "# mine\n[default]\naws_access_key_id = A\nregion=eu-west-1 # near\ns3 =\n  region = nested\n\n[ profile  work ]\nAWS_ACCESS_KEY_ID=B\n[default]\nx=y";
        let of = |name: &str, key: &str| section_of(text, name).and_then(|mut section| section.remove(key));
        assert_eq!(of("default", "aws_access_key_id").as_deref(), Some("A"));
        assert_eq!(of("default", "region").as_deref(), Some("eu-west-1"));
        assert_eq!(of("default", "x").as_deref(), Some("y"));
        assert_eq!(of("default", "s3"), None);
        assert_eq!(of("profile work", "aws_access_key_id").as_deref(), Some("B"));
        assert_eq!(section_of(text, "work"), None);
    }
}
