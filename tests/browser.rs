//! A headless Chromium, driven as a person would: by labels and buttons.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::json_lines::JsonLines;

/// One browser with one page. Dropping it ends the browser.
pub(crate) struct Browser {
    hand: JsonLines,
    /// Everything that the browser writes; dropped after it has ended.
    _folder: TempDir,
}

impl Browser {
    /// A computer's browser.
    pub(crate) fn start() -> Self {
        Self::with(&json!({}))
    }

    /// A phone's: 360 points wide, with a touch screen.
    pub(crate) fn on_a_phone() -> Self {
        Self::with(&json!({"phone": true}))
    }

    pub(crate) fn without_javascript() -> Self {
        Self::with(&json!({"javascript": false}))
    }

    /// `scheme` is `light` or `dark`; `phone` and `javascript` are as above.
    pub(crate) fn with(options: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let hand = JsonLines::start(node().arg("browser/hand.mjs").env("TMPDIR", folder.path()));
        let mut browser = Self { hand, _folder: folder };
        browser.act("start", options);
        browser
    }

    pub(crate) fn open(&mut self, url: &str) {
        self.act("open", &json!({"url": url}));
    }

    pub(crate) fn fill(&mut self, label: &str, text: &str) {
        self.act("fill", &json!({"label": label, "text": text}));
    }

    pub(crate) fn fill_placeholder(&mut self, placeholder: &str, text: &str) {
        self.act("fill_placeholder", &json!({"placeholder": placeholder, "text": text}));
    }

    pub(crate) fn press(&mut self, button: &str) {
        self.act("press", &json!({"button": button}));
    }

    pub(crate) fn press_enter(&mut self, label: &str) {
        self.act("press_enter", &json!({"label": label}));
    }

    /// Waits until the page shows `text`.
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.act("wait_for", &json!({"text": text}));
    }

    /// What the page shows, as plain text.
    pub(crate) fn text(&mut self) -> String {
        string(&self.act("text", &json!({})))
    }

    /// What stands in a field.
    pub(crate) fn value(&mut self, label: &str) -> String {
        string(&self.act("value", &json!({"label": label})))
    }

    pub(crate) fn url(&mut self) -> String {
        string(&self.act("url", &json!({})))
    }

    /// Chooses in a list.
    pub(crate) fn choose(&mut self, label: &str, option: &str) {
        self.act("choose", &json!({"label": label, "option": option}));
    }

    pub(crate) fn follow(&mut self, link: &str) {
        self.act("follow", &json!({"link": link}));
    }

    pub(crate) fn unfold(&mut self, summary: &str) {
        self.act("unfold", &json!({"summary": summary}));
    }

    pub(crate) fn is_unfolded(&mut self, summary: &str) -> bool {
        self.act("is_unfolded", &json!({"summary": summary})) == true
    }

    /// A key by its name, such as `Tab`, `Shift+Tab` or `Enter`.
    pub(crate) fn key(&mut self, key: &str) {
        self.act("key", &json!({"key": key}));
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        self.act("type_text", &json!({"text": text}));
    }

    pub(crate) fn focus_button(&mut self, button: &str) {
        self.act("focus_button", &json!({"button": button}));
    }

    /// What has the focus, as its label or text says it.
    pub(crate) fn focused(&mut self) -> String {
        string(&self.act("focused", &json!({})))
    }

    pub(crate) fn focus_is_visible(&mut self) -> bool {
        self.act("focus_is_visible", &json!({})) == true
    }

    /// What a screen reader was told last.
    pub(crate) fn announced(&mut self) -> String {
        string(&self.act("announced", &json!({})))
    }

    /// Everything that axe has against the page: a list of violations.
    pub(crate) fn axe(&mut self) -> Value {
        self.act("axe", &json!({}))
    }

    /// `structure`: the elements with the names of their attributes; `missing`: those of `texts` that stand nowhere.
    pub(crate) fn inspect(&mut self, texts: &[&str]) -> Value {
        self.act("inspect", &json!({"texts": texts}))
    }

    /// Another origin on this machine, with one page; returns its URL. `attacker.example` leads here, too.
    pub(crate) fn serve(&mut self, host: &str, html: &str) -> String {
        string(&self.act("serve", &json!({"host": host, "html": html})))
    }

    /// The texts of the page and of every frame in it.
    pub(crate) fn framed(&mut self) -> Value {
        self.act("framed", &json!({}))
    }

    /// Sends a form as a program does that is no browser: `status` and `body` of the answer.
    pub(crate) fn send(&mut self, url: &str, form: &str) -> Value {
        self.act("send", &json!({"url": url, "form": form}))
    }

    /// Takes a picture of the first element that fits a CSS selector.
    pub(crate) fn photograph(&mut self, selector: &str, path: &Path) {
        self.act("photograph", &json!({"selector": selector, "path": path}));
    }

    /// The labels of all buttons.
    pub(crate) fn buttons(&mut self) -> Vec<String> {
        self.act("buttons", &json!({})).as_array().expect("a list").iter().map(string).collect()
    }

    /// Script errors, dialogs, what the Content-Security-Policy stopped, and requests to other hosts.
    pub(crate) fn complaints(&mut self) -> Value {
        self.act("complaints", &json!({}))
    }

    /// `overflows`: wider than the screen; `smallest_control`: the height of the smallest button or field.
    pub(crate) fn layout(&mut self) -> Value {
        self.act("layout", &json!({}))
    }

    /// Draws a page of HTML into a PNG file, pixel for pixel.
    pub(crate) fn picture(&mut self, html: &str, width: usize, height: usize, path: &Path) {
        self.act("picture", &json!({"html": html, "width": width, "height": height, "path": path}));
    }

    fn act(&mut self, action: &str, arguments: &Value) -> Value {
        let mut command = arguments.clone();
        command["do"] = json!(action);
        self.hand.send(&command);
        let answer = self.hand.receive();
        assert!(answer["error"].is_null(), "{}\nthe page shows: {}", answer["error"], answer["seen"]);
        answer["ok"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.hand.finish();
    }
}

/// Node, in this package's folder, where `npm ci` put what the scripts import.
pub(crate) fn node() -> Command {
    let mut node = Command::new("node");
    node.current_dir(env!("CARGO_MANIFEST_DIR"));
    node
}

fn string(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
