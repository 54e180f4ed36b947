//! `weir key`: the keys file of `access.keys`, changed by command.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use weir_login::keys::{self, ListedKey, expiry};
use weir_login::{CommandError, Memberships};

use crate::error::Error;
use crate::table::table;
use crate::write_out;

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it. It is not shown again: the file has only its hash.
    Create(CreateArgs),
    /// Show all keys without their secrets.
    List(ListArgs),
    /// Take a key out of the file.
    Revoke(RevokeArgs),
}

#[derive(Args)]
pub struct CreateArgs {
    /// The principal that the key stands for, as rules name it. Several keys may stand for one.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// A role of the key's; may be given often.
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// A group of the key's; may be given often.
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// When the key ends: 90d, 12h, 2027-01-01 or 2027-01-01T12:00:00Z [default: never].
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    #[command(flatten)]
    pub file: KeysFile,
}

#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub file: KeysFile,
}

#[derive(Args)]
pub struct RevokeArgs {
    /// The key's id, as `weir key list` shows it.
    pub id: String,
    #[command(flatten)]
    pub file: KeysFile,
}

#[derive(Args)]
pub struct KeysFile {
    /// The keys file. It is made if there is none.
    #[arg(long, value_name = "FILE", env = "WEIR_ACCESS_KEYS", default_value = "keys")]
    pub file: PathBuf,
}

/// Does what the command says.
pub fn run(command: KeyCommand) -> Result<(), Error> {
    let now = SystemTime::now();
    match command {
        KeyCommand::Create(args) => create(args, now),
        KeyCommand::List(ListArgs { file }) => {
            let listed = keys::list(&file.file, now).map_err(CommandError::Unusable)?;
            let rows = listed.into_iter().map(row);
            write_out(&table(["ID", "NAME", "ROLES", "GROUPS", "EXPIRES"], rows))
        }
        KeyCommand::Revoke(RevokeArgs { id, file }) => {
            keys::revoke(&file.file, &id)?;
            write_out(&format!("the key is no longer in {}\n", file.file.display()))
        }
    }
}

/// The key alone goes to the standard output, so that a script can take it.
fn create(args: CreateArgs, now: SystemTime) -> Result<(), Error> {
    let CreateArgs { name, roles, groups, expires, file } = args;
    let expires = expires.map(|text| expiry(&text, now)).transpose();
    let expires = expires.map_err(|why| CommandError::Refused(format!("--expires: {why}")))?;
    let memberships = Memberships { roles, groups };
    let made = keys::create(&file.file, &name, &memberships, expires, now)?;
    eprintln!(
        "The key {} of {name} was added to {}. It is not shown again. Use it as `Authorization: Bearer KEY`, or as user {} \
         with what follows the second _ as password.",
        made.id,
        file.file.display(),
        made.id
    );
    write_out(&format!("{}\n", made.bearer()))
}

fn row(listed: ListedKey) -> [String; 5] {
    let ListedKey { id, name, memberships, expires, is_expired } = listed;
    let Memberships { roles, groups } = memberships;
    let ends = expires.unwrap_or_else(|| "never".to_string());
    let ends = if is_expired { format!("{ends} (expired)") } else { ends };
    [id, name, roles.join(","), groups.join(","), ends]
}
