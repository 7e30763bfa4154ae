//! A tree as lines for people.

use statewright_interpreter::definition::Kind;
use statewright_interpreter::event::TaskId;

use super::Tree;
use super::frame::{End, Entry, Frame, Item, Visit};
use crate::duration::{grouped, human};
use crate::screen::{Paint, Screen};

impl Tree<'_> {
    /// Puts the tree of a nested execution below the state whose task started it.
    pub(crate) fn attach(&mut self, task: TaskId, title: String, nested: &mut Tree<'_>, screen: &Screen) {
        let mut lines = Lines { screen, out: Vec::new() };
        nested.finished = true;
        nested.write_ready(&mut lines);
        if let Some(visit) = self.visit_of_task(task) {
            visit.items.push(Item::Nested(title, lines.out));
        }
    }

    /// How far it is, for people: the open top-level state, and how many of its children have ended.
    pub(crate) fn progress(&self) -> String {
        let Some(visit) = self.frames.first().and_then(Frame::last) else { return String::new() };
        let name = &self.definition.state(visit.state).name;
        match visit.children {
            (0, _) => name.to_string(),
            (total, done) => format!("{name} {}/{}", grouped(done), grouped(total)),
        }
    }

    /// The lines of what is complete and was not taken before.
    pub(crate) fn take_lines(&mut self, screen: &Screen) -> Vec<String> {
        let mut lines = Lines { screen, out: Vec::new() };
        self.write_ready(&mut lines);
        lines.out.into_iter().map(|(lead, text)| format!("{}{text}", screen.paint(Paint::Dim, &lead))).collect()
    }

    fn write_ready(&mut self, lines: &mut Lines<'_>) {
        let Some(root) = self.frames.first_mut() else { return };
        // The last one may change yet, and how it is drawn depends on whether another one follows.
        let ready = if self.finished { root.entries.len() } else { root.entries.len().saturating_sub(1) };
        let entries: Vec<Entry> = root.entries.drain(..ready).collect();
        let count = entries.len();
        for (at, entry) in entries.iter().enumerate() {
            self.write_entry(entry, "", self.finished && at + 1 == count, lines);
        }
        if self.frames.first().is_some_and(|root| root.entries.is_empty()) {
            self.frames.truncate(1);
        } else if !entries.is_empty() && self.frames.first().and_then(Frame::last).is_some_and(|visit| visit.items.is_empty()) {
            // Nothing refers to the frames of states that have been shown.
            self.frames.truncate(1);
        }
    }

    fn write_entry(&self, entry: &Entry, lead: &str, last: bool, lines: &mut Lines<'_>) {
        let (branch, inner) = if last { ("└ ", "  ") } else { ("├ ", "│ ") };
        match entry {
            Entry::Hidden { count, names } => {
                let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                lines.add(lead, branch, Paint::Dim, &format!("⋮ {} more visits of {names}", grouped(*count)));
            }
            Entry::Visit(visit) => {
                let text = self.headline(visit, lines.screen);
                lines.add_painted(lead, branch, text);
                self.write_items(visit, &format!("{lead}{inner}"), lines);
            }
        }
    }

    /// What stands on a visit's own line.
    fn headline(&self, visit: &Visit, screen: &Screen) -> String {
        let state = self.definition.state(visit.state);
        let (paint, icon) = visit.end.icon();
        let mut text = format!("{} {}", screen.paint(paint, icon), screen.paint(Paint::Plain, &state.name));
        let took = visit.left_at.map_or(0, |left| left.0.abs_diff(visit.entered_at.0));
        let mut details = match &state.kind {
            Kind::Task(_) => visit.detail.clone().into_iter().collect::<Vec<_>>(),
            Kind::Choice(_) => visit.next.iter().map(|next| format!("→ {next}")).collect(),
            Kind::Parallel(_) | Kind::Map(_) if !visit.forked => vec![state.type_name().to_owned()],
            Kind::Parallel(_) => vec![format!("Parallel, {}", counted(visit.children.0, "branch", "branches"))],
            Kind::Map(_) => vec![format!("Map, {}", counted(visit.children.0, "item", "items"))],
            Kind::Wait(_) => Vec::new(),
            Kind::Pass(_) | Kind::Succeed | Kind::Fail(_) => vec![state.type_name().to_owned()],
        };
        if took > 0 || matches!(state.kind, Kind::Wait(_)) && visit.end != End::Aborted {
            details.push(human(took));
        }
        if !details.is_empty() {
            text.push_str("  ");
            text.push_str(&screen.paint(Paint::Dim, &details.join(", ")));
        }
        if visit.end == End::Caught {
            let error = visit.error.as_ref().and_then(|(error, _)| error.error.as_deref()).unwrap_or("the error");
            let next = visit.next.as_deref().map(|next| format!(" → {next}")).unwrap_or_default();
            text.push_str("  ");
            text.push_str(&screen.paint(Paint::Caution, &format!("caught {error}{next}")));
        }
        text
    }

    fn write_items(&self, visit: &Visit, lead: &str, lines: &mut Lines<'_>) {
        let folded: u64 = visit.folded.values().sum();
        let count = visit.items.len() + usize::from(folded > 0);
        for (at, item) in visit.items.iter().enumerate() {
            let last = at + 1 == count;
            let (branch, inner) = if last { ("└ ", "  ") } else { ("├ ", "│ ") };
            match item {
                Item::Line(paint, text) => lines.add(lead, branch, *paint, text),
                Item::Frame(frame) => self.write_frame(*frame, visit, lead, last, lines),
                Item::Nested(title, nested) => {
                    lines.add(lead, branch, Paint::Dim, title);
                    lines.out.extend(nested.iter().map(|(inside, text)| (format!("{lead}{inner}{inside}"), text.clone())));
                }
            }
        }
        if folded > 0 {
            let parts = visit.folded.iter().map(|(end, count)| {
                let word = match end {
                    End::Done | End::Caught => "succeeded",
                    End::Failed => "failed",
                    End::Aborted => "aborted",
                    End::Open => "open",
                };
                format!("{} {word}", grouped(*count))
            });
            let parts = parts.collect::<Vec<_>>().join(", ");
            lines.add(lead, "└ ", Paint::Dim, &format!("⋮ {} more: {parts}", grouped(folded)));
        }
    }

    fn write_frame(&self, at: usize, visit: &Visit, lead: &str, last: bool, lines: &mut Lines<'_>) {
        let Some(frame) = self.frames.get(at) else { return };
        let (branch, inner) = if last { ("└ ", "  ") } else { ("├ ", "│ ") };
        let word = if matches!(self.definition.state(visit.state).kind, Kind::Map(_)) {
            format!("item {}", frame.slot)
        } else {
            format!("branch {}", frame.slot + 1)
        };
        let end = match frame.end {
            End::Failed => " failed",
            End::Aborted => " aborted",
            End::Open | End::Done | End::Caught => "",
        };
        lines.add(lead, branch, Paint::Dim, &format!("{word}{end}"));
        let lead = format!("{lead}{inner}");
        for (at, entry) in frame.entries.iter().enumerate() {
            self.write_entry(entry, &lead, at + 1 == frame.entries.len(), lines);
        }
    }
}

impl End {
    fn icon(self) -> (Paint, &'static str) {
        match self {
            Self::Open => (Paint::Accent, "…"),
            Self::Done => (Paint::Good, "✔"),
            Self::Caught => (Paint::Caution, "↷"),
            Self::Failed => (Paint::Bad, "✘"),
            Self::Aborted => (Paint::Dim, "■"),
        }
    }
}

/// Lines as they are made: what leads to the text, and the text, painted.
struct Lines<'s> {
    screen: &'s Screen,
    out: Vec<(String, String)>,
}

impl Lines<'_> {
    fn add(&mut self, lead: &str, branch: &str, paint: Paint, text: &str) {
        self.add_painted(lead, branch, self.screen.paint(paint, text));
    }

    fn add_painted(&mut self, lead: &str, branch: &str, text: String) {
        self.out.push((format!("{lead}{branch}"), text));
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", grouped(count)) }
}
