//! The table: how many times as long a peer takes as we do, or we as somebody else.

/// What a row asks for: at least, or at most, so much for each shape.
#[derive(Clone, Copy)]
pub enum Asked {
    AtLeast([f64; 3]),
    AtMost([f64; 3]),
    Nothing,
}

#[derive(Clone)]
pub struct Row {
    pub name: String,
    pub asked: Asked,
    /// For each shape, by the best rounds and in the middle round.
    pub cells: Vec<Option<(f64, f64)>>,
}

pub fn print(rows: &[Row]) {
    println!("| ratio (best rounds; median) | asked | small | order | wide |");
    println!("|---|---|---|---|---|");
    for row in rows {
        let cells: Vec<String> = row.cells.iter().map(shown).collect();
        println!("| {} | {} | {} |", row.name, row.asked.shown(), cells.join(" | "));
    }
}

fn shown(cell: &Option<(f64, f64)>) -> String {
    match cell {
        Some((best, median)) => format!("{best:.2}; {median:.2}"),
        None => "fails".into(),
    }
}

impl Asked {
    fn shown(self) -> String {
        let listed = |numbers: [f64; 3]| match numbers {
            [a, b, c] if a == b && b == c => format!("{a}"),
            [a, b, c] => format!("{a} / {b} / {c}"),
        };
        match self {
            Asked::AtLeast(numbers) => format!("≥ {}", listed(numbers)),
            Asked::AtMost(numbers) => format!("≤ {}", listed(numbers)),
            Asked::Nothing => String::new(),
        }
    }
}
