//! `weir access import-karapace`: rules for the permissions of Karapace's auth file.

use std::process::ExitCode;

use weir_login::users::import_karapace;

use crate::cli::ImportKarapaceArgs;
use crate::write_out;

/// The exit code where some permissions did not become rules.
const INCOMPLETE: u8 = 1;

/// The exit code where there are no rules: the file cannot be read, or the rules cannot be printed.
const NO_RULES: u8 = 2;

/// Prints the rules on stdout, and what is not among them on stderr.
pub fn run(args: &ImportKarapaceArgs) -> ExitCode {
    let imported = match import_karapace(&args.file) {
        Ok(imported) => imported,
        Err(unusable) => {
            eprintln!("weir: {unusable}");
            return ExitCode::from(NO_RULES);
        }
    };
    if let Err(error) = write_out(&imported.rules) {
        eprintln!("weir: {error}");
        return ExitCode::from(NO_RULES);
    }
    for problem in &imported.refused {
        eprintln!("weir: {}:{}: {}", args.file.display(), problem.line, problem.text);
    }
    match imported.refused.len() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(INCOMPLETE),
    }
}
