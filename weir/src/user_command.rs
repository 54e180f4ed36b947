//! `weir user`: the users file of `access.users`, changed by command.

use std::io::{IsTerminal, Read, stdin};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use weir_login::users::{self, Algorithm, Listed};
use weir_login::{CommandError, Memberships, PASSWORD_BYTES_MAX};

use crate::error::Error;
use crate::table::table;
use crate::write_out;

/// A line of the standard input that has a password: the password and the line's end.
const LINE_BYTES_MAX: u64 = PASSWORD_BYTES_MAX as u64 + 2;

#[derive(Subcommand)]
pub enum UserCommand {
    /// Add a user. The password is asked for, or is a line of the standard input.
    Add(AddArgs),
    /// Set another password for a user. It is asked for, or is a line of the standard input.
    Passwd(PasswdArgs),
    /// Take a user out of the file.
    Rm(RmArgs),
    /// Show all users with their roles and groups, and how their passwords are hashed.
    List(ListArgs),
}

#[derive(Args)]
pub struct AddArgs {
    pub name: String,
    /// A role of the user's; may be given often.
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// A group of the user's; may be given often.
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    #[command(flatten)]
    pub hash: HashArgs,
    #[command(flatten)]
    pub file: UsersFile,
}

#[derive(Args)]
pub struct PasswdArgs {
    pub name: String,
    #[command(flatten)]
    pub hash: HashArgs,
    #[command(flatten)]
    pub file: UsersFile,
}

#[derive(Args)]
pub struct RmArgs {
    pub name: String,
    #[command(flatten)]
    pub file: UsersFile,
}

#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub file: UsersFile,
}

#[derive(Args)]
pub struct UsersFile {
    /// The users file. It is made if there is none.
    #[arg(long, value_name = "FILE", env = "WEIR_ACCESS_USERS", default_value = "users")]
    pub file: PathBuf,
}

#[derive(Args)]
pub struct HashArgs {
    /// How the password is hashed. What bcrypt makes can be read by nginx and Apache too.
    #[arg(long, value_enum, default_value_t = HashName::Argon2id)]
    pub algorithm: HashName,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum HashName {
    #[value(name = "argon2id")]
    Argon2id,
    #[value(name = "bcrypt")]
    Bcrypt,
}

/// Does what the command says.
pub fn run(command: UserCommand) -> Result<(), Error> {
    match command {
        UserCommand::Add(AddArgs { name, roles, groups, hash, file }) => {
            let password = password(&name)?;
            let algorithm = hash.algorithm.into();
            let memberships = Memberships { roles, groups };
            users::add(&file.file, &name, &password, algorithm, &memberships)?;
            write_out(&format!("{name} was added to {}\n", file.file.display()))
        }
        UserCommand::Passwd(PasswdArgs { name, hash, file }) => {
            let password = password(&name)?;
            users::set_password(&file.file, &name, &password, hash.algorithm.into())?;
            write_out(&format!("{name} has another password in {}\n", file.file.display()))
        }
        UserCommand::Rm(RmArgs { name, file }) => {
            users::remove(&file.file, &name)?;
            write_out(&format!("{name} is no longer in {}\n", file.file.display()))
        }
        UserCommand::List(ListArgs { file }) => {
            let listed = users::list(&file.file).map_err(CommandError::Unusable)?;
            let rows = listed.into_iter().map(row);
            write_out(&table(["NAME", "HASH", "ROLES", "GROUPS"], rows))
        }
    }
}

fn row(listed: Listed) -> [String; 4] {
    let Listed { name, hash, memberships: Memberships { roles, groups } } = listed;
    [name, hash, roles.join(","), groups.join(",")]
}

/// Asks for a password twice without showing it; reads a line if nobody sits at a terminal.
fn password(name: &str) -> Result<String, Error> {
    if !stdin().is_terminal() {
        return line(stdin().lock());
    }
    let ask = |prompt: String| rpassword::prompt_password(prompt).map_err(Error::Password);
    let first = ask(format!("Password of {name}: "))?;
    let again = ask("The same again: ".to_string())?;
    match first == again {
        true => Ok(first),
        false => Err(refused("the two passwords are not the same: nothing was changed")),
    }
}

/// Reads the first line.
fn line(input: impl Read) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let input = std::io::BufReader::new(input.take(LINE_BYTES_MAX));
    for byte in input.bytes() {
        match byte.map_err(Error::Password)? {
            b'\n' => break,
            byte => bytes.push(byte),
        }
    }
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(&bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| refused("the password is not UTF-8"))?;
    Ok(text.to_string())
}

fn refused(why: &str) -> Error {
    Error::Login(CommandError::Refused(why.to_string()))
}

impl From<HashName> for Algorithm {
    fn from(name: HashName) -> Algorithm {
        match name {
            HashName::Argon2id => Algorithm::Argon2id,
            HashName::Bcrypt => Algorithm::Bcrypt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_and_bounded() {
        assert_eq!(line(&b"secret\nmore\n"[..]).unwrap(), "secret");
        assert_eq!(line(&b" se cret \r\n"[..]).unwrap(), " se cret ");
        assert_eq!(line(&b""[..]).unwrap(), "");
        assert!(line(&b"\xff\n"[..]).is_err());
        let endless = line(std::io::repeat(b'x')).unwrap();
        assert!(endless.len() > PASSWORD_BYTES_MAX && endless.len() as u64 <= LINE_BYTES_MAX);
    }
}
