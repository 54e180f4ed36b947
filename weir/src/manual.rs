//! `weir completions` and `weir man`: what packages install beside the binary, made of the command line itself.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::error::Error;
use crate::version;

/// The section of the manual with commands that anybody may use.
const SECTION: &str = "1";

/// The name of the program, and of its page.
const PROGRAM: &str = "weir";

/// The end of the page of a command.
const SEE_ALSO: &str = r#".SH SEE ALSO
\fBweir\fR(1)
"#;

/// What the page of `weir` says beyond the command line. In roff: a line that begins with a dot is a macro.
const MORE: &str = r#".SH FILES
.TP
\fI./weir.toml\fR, \fI/etc/weir/weir.toml\fR
Settings; the first that is there is read. \fBweir config check\fR says what is wrong with them.
.TP
\fI/var/lib/weir\fR
The log of the registry as the Debian package, the systemd unit and the container image keep it (\fBregistry.data_dir\fR).
.SH ENVIRONMENT
.TP
\fBWEIR_*\fR
Every flag of \fBweir serve\fR has a variable, which its help names.
.TP
\fBSCHEMA_REGISTRY_*\fR, \fBKAFKA_REST_*\fR
Settings of Confluent's containers. A variable of Weir's wins over them.
.SH SIGNALS
.TP
\fBSIGTERM\fR, \fBSIGINT\fR
Stop: no new requests are taken, and those under way have 20 seconds to be answered. A second signal ends the process at once.
.TP
\fBSIGHUP\fR
Read certificates, rules, users and keys anew.
.SH EXIT STATUS
0 if the command did what it was asked for, 1 if it failed, 2 if the command line cannot be understood. Where a command's help says otherwise, that holds.
.SH EXAMPLES
.TP
Registry, REST proxy and a Kafka broker, for development:
\fBweir dev\fR
.TP
A registry that shares its schemas with other nodes in Kafka:
\fBweir serve \-\-roles registry \-\-store kafka \-\-bootstrap\-servers kafka:9092\fR
.TP
A copy of a registry:
\fBweir migrate \-\-from http://127.0.0.1:8081 \-\-to backup.jsonl\fR
"#;

/// `weir completions`: writes the script of a shell to the standard output.
pub fn completions(shell: Shell) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut script);
    io::Write::write_all(&mut io::stdout(), &script).map_err(Error::Output)
}

/// `weir man`: writes the page of `weir` to the standard output, or those of all commands into a folder, which is made.
pub fn man(folder: Option<&Path>) -> Result<(), Error> {
    let mut weir = Cli::command().disable_help_subcommand(true);
    weir.build();
    let Some(folder) = folder else {
        let page = page(&weir).map_err(Error::Output)?;
        return io::Write::write_all(&mut io::stdout(), &page).map_err(Error::Output);
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let mut commands = vec![weir];
    while let Some(command) = commands.pop() {
        let path = folder.join(format!("{}.{SECTION}", name(&command)));
        let page = page(&command).map_err(Error::Output)?;
        std::fs::write(&path, page).map_err(|error| failed(&path, error))?;
        commands
            .extend(command.get_subcommands().filter(|command| !command.is_hide_set()).cloned());
    }
    Ok(())
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::WriteFile { path: PathBuf::from(path), source }
}

/// The name of a page: `weir-config-print`.
fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_string()
}

/// The page of one command, in roff.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone())
        .title(name(command))
        .section(SECTION)
        .date(version::DATE)
        .source(format!("weir {}", version::VERSION))
        .manual("Weir");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    page.extend_from_slice(synopsis(command).as_bytes());
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    match command.get_name() == PROGRAM {
        true => page.extend_from_slice(MORE.as_bytes()),
        false => page.extend_from_slice(SEE_ALSO.as_bytes()),
    }
    Ok(without_doubled_breaks(&page))
}

/// How the command is called, as its help says it: not one of a hundred flags by name.
fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace('\\', "\\e").replace('-', "\\-");
    format!(".SH SYNOPSIS\n{usage}\n")
}

/// Leaves out line breaks beside an empty line, which readers of roff warn about.
fn without_doubled_breaks(page: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = page.split(|byte| *byte == b'\n').collect();
    let empty = |index: Option<usize>| {
        index.and_then(|index| lines.get(index)).is_some_and(|line| line.is_empty())
    };
    let kept = lines.iter().enumerate().filter(|(index, line)| {
        let beside_empty = empty(index.checked_sub(1)) || empty(Some(index + 1));
        !(**line == b".br" && beside_empty)
    });
    kept.map(|(_, line)| *line).collect::<Vec<_>>().join(&b'\n')
}
