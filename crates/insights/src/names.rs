//! Which slot of a row a name stands for.

use crate::syntax::Slot;

/// The names of a row, in the order of their slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    slots: Vec<Name>,
}

#[derive(Clone, Debug)]
struct Name {
    /// None for what no name leads to.
    name: Option<String>,
    /// Whether it was read before anything computed it: then it is a field of the event.
    is_source: bool,
}

impl Names {
    pub(crate) const fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Slot> {
        // The last one: a column of stats may have the name of one before.
        self.slots.iter().rposition(|slot| slot.name.as_deref() == Some(name))
    }

    /// The slot of a name that is read. An unknown one is a field of the event, perhaps missing.
    pub(crate) fn read(&mut self, name: &str) -> Slot {
        self.get(name).unwrap_or_else(|| self.push(Some(name), true))
    }

    /// The slot of a name that a command gives a value.
    pub(crate) fn define(&mut self, name: &str) -> Slot {
        self.get(name).unwrap_or_else(|| self.push(Some(name), false))
    }

    /// The next slot, whatever the name was before.
    pub(crate) fn append(&mut self, name: &str) -> Slot {
        self.push(Some(name), false)
    }

    /// A slot that no name leads to.
    pub(crate) fn anonymous(&mut self) -> Slot {
        self.push(None, false)
    }

    /// The longest name with parentheses that a text begins with: its length and slot.
    pub(crate) fn call_at(&self, text: &str) -> Option<(usize, Slot)> {
        let names = self.slots.iter().enumerate();
        let found = names.filter_map(|(slot, name)| {
            let name = name.name.as_deref()?;
            (name.contains('(') && text.starts_with(name)).then_some((name.len(), slot))
        });
        found.max()
    }

    /// The fields of the event that are read, with their slots.
    pub(crate) fn into_sources(self) -> Vec<(String, Slot)> {
        let slots = self.slots.into_iter().enumerate();
        slots
            .filter_map(|(slot, name)| Some((name.name.filter(|_| name.is_source)?, slot)))
            .collect()
    }

    fn push(&mut self, name: Option<&str>, is_source: bool) -> Slot {
        self.slots.push(Name { name: name.map(str::to_owned), is_source });
        self.slots.len() - 1
    }
}
