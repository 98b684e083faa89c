//! The panel as lines of text; a line that has not changed is not repeated.

use std::io::Write;

use embedded_demo::{Screen, View};

pub(crate) struct TextScreen<W> {
    output: W,
    shown: Vec<String>,
}

impl<W: Write> TextScreen<W> {
    pub(crate) fn new(output: W) -> Self {
        Self { output, shown: Vec::new() }
    }
}

impl<W: Write> Screen for TextScreen<W> {
    fn show(&mut self, view: &View<'_>) {
        let lines: Vec<String> = view.to_string().lines().map(String::from).collect();
        for line in lines.iter().filter(|line| !self.shown.contains(line)) {
            // Nobody reads any more: the login goes on.
            let _ = writeln!(self.output, "{line}");
        }
        let _ = self.output.flush();
        self.shown = lines;
    }
}
