//! NetFlow v9 and IPFIX: records as their templates announce them.

use super::counts::Counts;
use super::datagrams::Datagrams;
use super::element::{self, Element};
use super::encoder::{Protocol, Settings};
use super::flow::Flow;
use super::image::{IPV4_HALF, IPV6_HALF, Image, Times};
use super::packet::Packet;
use super::shape::{OPTIONS_TEMPLATE, Shape};
use super::template::{Layout, Template, put, put_element};
use super::uptime::{Span, Window};

/// A set's number and length.
const SET_HEADER: usize = 4;

/// Where a set's length stands in it.
const LENGTH_IN_SET: usize = 2;

/// The sets that hold templates, and templates of options.
/// <https://www.rfc-editor.org/rfc/rfc7011#section-3.3.2>
/// <https://www.rfc-editor.org/rfc/rfc3954#section-5.2>
const fn template_sets(protocol: Protocol) -> (u16, u16) {
    match protocol {
        Protocol::Ipfix => (2, 3),
        Protocol::V9 | Protocol::V5 => (0, 1),
    }
}

/// The scope "System" of NetFlow v9.
/// <https://www.rfc-editor.org/rfc/rfc3954#section-6.1>
const SYSTEM_SCOPE: Element = Element { number: 1, length: 4, is_enterprise: false };

#[derive(Clone, Debug)]
pub(crate) struct Templated {
    protocol: Protocol,
    domain: u32,
    enterprise: Option<u32>,
    template_interval: u32,
    templates: Vec<Template>,
    is_options_template_announced: bool,
    packet: Packet,
    is_open: bool,
    set: OpenSet,
    window: Window,
    /// Records of the open datagram, templates included.
    records: u16,
    /// Data records of the open datagram.
    data_records: u32,
    flow_records: u32,
    datagrams_since_templates: u32,
    /// Options records of the export's own domain.
    reports: u32,
}

/// The observation domain of what is said about the export itself.
/// <https://www.rfc-editor.org/rfc/rfc7011#section-3.1>
const EXPORT_DOMAIN: u32 = 0;

/// The set that is being written.
#[derive(Clone, Copy, Debug, Default)]
struct OpenSet {
    /// The place of its template; none if no set of data is open.
    template: Option<usize>,
    shape: Shape,
    layout: Layout,
    start: usize,
    records: u16,
}

impl Templated {
    pub(crate) fn new(settings: &Settings) -> Self {
        // With records padded to whole words, none reaches beyond the last of them.
        let most = settings.most_bytes & !3;
        Self {
            protocol: settings.protocol,
            domain: settings.domain,
            enterprise: settings.enterprise,
            template_interval: settings.template_interval,
            templates: vec![],
            is_options_template_announced: false,
            packet: Packet::new(most),
            is_open: false,
            set: OpenSet::default(),
            window: Window::default(),
            records: 0,
            data_records: 0,
            flow_records: 0,
            datagrams_since_templates: 0,
            reports: 0,
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, flow: &Flow, now: u32, datagrams: &mut Datagrams) {
        let mut shape = flow.shape;
        if self.enterprise.is_none() {
            shape = shape.without(Shape::HAS_TRAFFIC_PATH);
        }
        let times = if self.protocol == Protocol::Ipfix {
            if !self.is_ready(shape) {
                self.make_room(shape, None, now, datagrams);
            }
            Times::Absolute(u64::from(flow.start) * 1000, u64::from(flow.end) * 1000)
        } else {
            let mut span = Span::of(flow, shape);
            if span.is_some_and(Span::is_too_long) {
                shape = shape.with(Shape::LACKS_END);
                span = Span::of(flow, shape);
            }
            if !self.is_ready(shape) || span.is_some_and(|span| !self.window.holds(span)) {
                self.make_room(shape, span, now, datagrams);
            }
            if let Some(span) = span {
                self.window.extend(span);
            }
            Times::Uptime(self.window.uptime(flow.start), self.window.uptime(flow.end))
        };
        self.write(flow, &times);
    }

    /// Whether a record of the shape can follow.
    #[inline]
    fn is_ready(&self, shape: Shape) -> bool {
        self.set.template.is_some()
            && self.set.shape == shape
            && self.packet.has_room(self.set.layout.length)
    }

    #[inline]
    fn write(&mut self, flow: &Flow, times: &Times) {
        if flow.shape.has(Shape::IPV6) {
            let image = Image::of_ipv6(flow, times);
            for run in self.set.layout.runs() {
                if let Some(half) = image.half_from::<IPV6_HALF>(run.start) {
                    self.packet.append_first(half, run.length);
                }
            }
        } else {
            let image = Image::of_ipv4(flow, times);
            for run in self.set.layout.runs() {
                if let Some(half) = image.half_from::<IPV4_HALF>(run.start) {
                    self.packet.append_first(half, run.length);
                }
            }
        }
        self.set.records += 1;
    }

    /// Opens a set for records of the shape, in this datagram or in the next one.
    #[cold]
    fn make_room(&mut self, shape: Shape, span: Option<Span>, now: u32, datagrams: &mut Datagrams) {
        let template = self.template_of(shape);
        loop {
            if self.is_open && span.is_none_or(|span| self.window.holds(span)) {
                self.close_set();
                if self.open_set(template) {
                    return;
                }
            }
            self.close(now, datagrams);
            self.open(span, now);
        }
    }

    /// The place of the shape's template, which is made if there is none.
    fn template_of(&mut self, shape: Shape) -> usize {
        let known = self.templates.iter().position(|template| template.shape == shape);
        known.unwrap_or_else(|| {
            self.templates.push(Template::new(self.protocol, shape, self.enterprise));
            self.templates.len() - 1
        })
    }

    /// Opens a set, announced by its template if that is due. False if there is no room for it
    /// and one record.
    fn open_set(&mut self, place: usize) -> bool {
        let Some(template) = self.templates.get(place) else { return false };
        let (shape, layout) = (template.shape, template.layout);
        let announced = if template.is_announced { 0 } else { SET_HEADER + template.bytes.len() };
        if !self.packet.has_room(announced + SET_HEADER + layout.length) {
            return false;
        }
        self.announce(place..=place);
        let start = self.packet.length();
        self.start_set(shape.template_number());
        self.set = OpenSet { template: Some(place), shape, layout, start, records: 0 };
        true
    }

    /// Writes a set of those templates that are due and for which there is room.
    fn announce(&mut self, places: std::ops::RangeInclusive<usize>) {
        let start = self.packet.length();
        let templates = self.templates.get_mut(places).unwrap_or_default();
        for template in templates.iter_mut().filter(|template| !template.is_announced) {
            let header = if self.packet.length() == start { SET_HEADER } else { 0 };
            if !self.packet.has_room(header + template.bytes.len()) {
                break;
            }
            if header > 0 {
                let (set, _) = template_sets(self.protocol);
                self.packet.append(&set.to_be_bytes());
                self.packet.append(&[0; 2]);
            }
            self.packet.append(&template.bytes);
            self.records += 1;
            template.is_announced = true;
        }
        if self.packet.length() > start {
            self.end_set(start);
        }
    }

    fn start_set(&mut self, number: u16) {
        self.packet.append(&number.to_be_bytes());
        self.packet.append(&[0; 2]);
    }

    /// Writes a set's length. NetFlow v9's sets end at whole words.
    fn end_set(&mut self, start: usize) {
        if self.protocol == Protocol::V9 {
            let padding = self.packet.length().next_multiple_of(4) - self.packet.length();
            self.packet.append([0; 3].get(..padding).unwrap_or_default());
        }
        let length = u16::try_from(self.packet.length() - start).unwrap_or_default();
        self.packet.overwrite(start + LENGTH_IN_SET, length.to_be_bytes());
    }

    fn close_set(&mut self) {
        let OpenSet { template: Some(place), start, records, .. } = self.set else { return };
        self.end_set(start);
        self.records += records;
        self.data_records += u32::from(records);
        self.flow_records += u32::from(records);
        if let Some(template) = self.templates.get_mut(place) {
            template.records += u64::from(records);
        }
        self.set = OpenSet::default();
    }

    /// Opens a datagram, headed by the templates that are due.
    fn open(&mut self, span: Option<Span>, now: u32) {
        self.window = match span {
            Some(span) if !self.window.next().holds(span) => Window::around(span),
            // Nothing in the datagram has a time: any start of the device will do.
            None if self.window.is_unset() => Window::before(now),
            _ => self.window.next(),
        };
        if self.datagrams_since_templates >= self.template_interval {
            self.repeat_templates();
        }
        self.packet.clear();
        let header: &[u8] = match self.protocol {
            Protocol::Ipfix => &[0; 16],
            Protocol::V9 | Protocol::V5 => &[0; 20],
        };
        self.packet.append(header);
        self.is_open = true;
        if !self.templates.is_empty() {
            self.announce(0..=self.templates.len() - 1);
        }
    }

    /// Makes all templates due again.
    pub(crate) fn repeat_templates(&mut self) {
        self.datagrams_since_templates = 0;
        self.is_options_template_announced = false;
        for template in &mut self.templates {
            template.is_announced = false;
        }
    }

    /// Finishes the open datagram, if there is one.
    pub(crate) fn close(&mut self, now: u32, datagrams: &mut Datagrams) {
        if !self.is_open {
            return;
        }
        self.close_set();
        self.write_header(now);
        let units = match self.protocol {
            Protocol::Ipfix => self.data_records,
            Protocol::V9 | Protocol::V5 => 1,
        };
        datagrams.push(self.packet.bytes(), self.flow_records, units);
        // Templates alone may fill datagrams: they are not repeated for these.
        self.datagrams_since_templates += u32::from(self.data_records > 0);
        (self.records, self.data_records, self.flow_records) = (0, 0, 0);
        self.is_open = false;
    }

    /// Writes the header, whose sequence number comes later.
    /// <https://www.rfc-editor.org/rfc/rfc7011#section-3.1>
    /// <https://www.rfc-editor.org/rfc/rfc3954#section-5.1>
    fn write_header(&mut self, now: u32) {
        if self.protocol == Protocol::Ipfix {
            let length = u16::try_from(self.packet.length()).unwrap_or_default();
            self.packet.overwrite(0, 10_u16.to_be_bytes());
            self.packet.overwrite(2, length.to_be_bytes());
            self.packet.overwrite(4, now.to_be_bytes());
            self.packet.overwrite(12, self.domain.to_be_bytes());
        } else {
            let (uptime, unix_seconds) = self.window.header(now);
            self.packet.overwrite(0, 9_u16.to_be_bytes());
            self.packet.overwrite(2, self.records.to_be_bytes());
            self.packet.overwrite(4, uptime.to_be_bytes());
            self.packet.overwrite(8, unix_seconds.to_be_bytes());
            self.packet.overwrite(16, self.domain.to_be_bytes());
        }
    }

    /// Adds the records of finished datagrams' shapes to the counts.
    pub(crate) fn count_shapes(&self, counts: &mut Counts) {
        for template in &self.templates {
            counts.records += template.records;
            counts.flow_records += template.records;
            counts.add_shape(template.shape, template.records);
        }
    }

    /// Writes what is said about the export itself: one options record.
    ///
    /// In IPFIX it is a message of its own, of domain 0 and with a sequence of its own. It does not
    /// count in the flows' domain, where some collectors would miss a record: nfdump 1.7 counts
    /// those with flows alone.
    pub(crate) fn report(&mut self, counts: &Counts, now: u32, datagrams: &mut Datagrams) {
        if self.protocol != Protocol::Ipfix || self.domain == EXPORT_DOMAIN {
            return self.report_among_flows(counts, now, datagrams);
        }
        self.close(now, datagrams);
        let (template, values) = (self.options_template(), self.options_values(counts));
        self.packet.clear();
        self.packet.append(&[0; 16]);
        let (_, set) = template_sets(self.protocol);
        for (number, content) in [(set, template), (OPTIONS_TEMPLATE, values)] {
            let start = self.packet.length();
            self.start_set(number);
            self.packet.append(&content);
            self.end_set(start);
        }
        self.write_header(now);
        self.packet.overwrite(8, self.reports.to_be_bytes());
        self.packet.overwrite(12, EXPORT_DOMAIN.to_be_bytes());
        self.reports = self.reports.wrapping_add(1);
        datagrams.push_numbered(self.packet.bytes());
    }

    fn report_among_flows(&mut self, counts: &Counts, now: u32, datagrams: &mut Datagrams) {
        let template = self.options_template();
        let values = self.options_values(counts);
        let length = SET_HEADER + template.len() + SET_HEADER + values.len();
        self.close_set();
        while !self.is_open || !self.packet.has_room(length) {
            self.close(now, datagrams);
            self.open(None, now);
        }
        if !self.is_options_template_announced {
            let start = self.packet.length();
            let (_, set) = template_sets(self.protocol);
            self.start_set(set);
            self.packet.append(&template);
            self.end_set(start);
            self.records += 1;
            self.is_options_template_announced = true;
        }
        let start = self.packet.length();
        self.start_set(OPTIONS_TEMPLATE);
        self.packet.append(&values);
        self.end_set(start);
        self.records += 1;
        self.data_records += 1;
    }

    /// What the options record says, beside the domain that it says it about.
    fn options_elements(&self) -> Vec<Element> {
        let mut elements =
            vec![element::EXPORTED_FLOWS, element::NOT_SENT_FLOWS, element::IGNORED_RECORDS];
        if self.enterprise.is_some() {
            elements.extend([element::NODATA_RECORDS, element::SKIPDATA_RECORDS]);
        }
        elements
    }

    fn options_template(&self) -> Vec<u8> {
        let elements = self.options_elements();
        let count = |count: usize| u16::try_from(count).unwrap_or_default();
        let mut bytes = vec![];
        put(&mut bytes, OPTIONS_TEMPLATE);
        let scope = if self.protocol == Protocol::Ipfix {
            put(&mut bytes, count(elements.len() + 1));
            put(&mut bytes, 1);
            element::OBSERVATION_DOMAIN
        } else {
            // The lengths of both parts of what follows, in bytes.
            put(&mut bytes, 4);
            put(&mut bytes, count(elements.len() * 4));
            SYSTEM_SCOPE
        };
        put_element(&mut bytes, scope, None);
        for element in elements {
            put_element(&mut bytes, element, self.enterprise);
        }
        bytes
    }

    fn options_values(&self, counts: &Counts) -> Vec<u8> {
        let mut bytes = self.domain.to_be_bytes().to_vec();
        for element in self.options_elements() {
            let value = match element {
                element::EXPORTED_FLOWS => counts.flow_records,
                element::NOT_SENT_FLOWS | element::SKIPDATA_RECORDS => counts.skipped,
                _ => counts.empty,
            };
            bytes.extend(value.to_be_bytes());
        }
        bytes
    }
}
