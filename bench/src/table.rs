//! A plain table: a line for each thing measured, with the spread over the rounds.

use crate::numbers::{ratios, shown, spread};

pub struct Table {
    title: String,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    spread: [String; 3],
    note: String,
}

impl Table {
    pub fn new(title: &str) -> Table {
        Table { title: title.to_string(), rows: Vec::new() }
    }

    pub fn row(&mut self, name: &str, samples: &[f64]) {
        self.row_with_note(name, samples, "");
    }

    pub fn row_with_note(&mut self, name: &str, samples: &[f64], note: &str) {
        let spread = spread(samples).map(shown);
        self.rows.push(Row { name: name.to_string(), spread, note: note.to_string() });
    }

    /// How many times the other each number is, round by round.
    pub fn ratio(&mut self, name: &str, numbers: &[f64], others: &[f64]) {
        self.row(&format!("  ratio to {name}"), &ratios(numbers, others));
    }

    pub fn print(&self) {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        println!("{}; {cores} cores", self.title);
        println!("{:width$}  {:>10}  {:>10}  {:>10}", "", "min", "median", "max");
        for Row { name, spread: [min, median, max], note } in &self.rows {
            let line = format!("{name:width$}  {min:>10}  {median:>10}  {max:>10}  {note}");
            println!("{}", line.trim_end());
        }
        println!();
    }
}
