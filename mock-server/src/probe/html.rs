//! Just enough HTML to fill in a form as a browser does.

/// A form, with its fields and buttons in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) is_post: bool,
    /// Named inputs with their values; those of type text have an empty or a prefilled one.
    pub(super) fields: Vec<Field>,
    /// Buttons that submit: name, value and what stands on them.
    pub(super) buttons: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    /// Whether a person types into it.
    pub(super) is_typed: bool,
}

/// The forms of a page.
pub(super) fn forms(page: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut is_open = false;
    for tag in tags(page) {
        match (tag.name.as_str(), forms.last_mut().filter(|_| is_open)) {
            ("form", _) => {
                is_open = true;
                let is_post =
                    tag.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
                let action = tag.attribute("action").unwrap_or_default();
                forms.push(Form { action, is_post, ..Form::default() });
            }
            ("/form", _) => is_open = false,
            ("button", Some(form)) => {
                form.buttons.push((
                    tag.attribute("name").unwrap_or_default(),
                    tag.attribute("value").unwrap_or_default(),
                ));
            }
            ("input", Some(form)) => {
                let kind = tag.attribute("type").unwrap_or_default().to_ascii_lowercase();
                let (name, value) =
                    (tag.attribute("name").unwrap_or_default(), tag.attribute("value").unwrap_or_default());
                match kind.as_str() {
                    "submit" | "image" | "button" => form.buttons.push((name, value)),
                    _ if name.is_empty() => {}
                    // Of these only what is chosen is sent.
                    "radio" | "checkbox" if tag.attribute("checked").is_none() => {}
                    _ => form.fields.push(Field {
                        name,
                        value,
                        is_typed: matches!(&*kind, "" | "text" | "search" | "tel" | "number"),
                    }),
                }
            }
            _ => {}
        }
    }
    forms
}

/// Whether a person sees this text on the page, be it in a field.
pub(super) fn shows(page: &str, text: &str) -> bool {
    let pieces = page.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, after)| after));
    let in_field = |form: &Form| form.fields.iter().any(|field| field.is_typed && field.value == text);
    pieces.collect::<String>().contains(text) || forms(page).iter().any(in_field)
}

/// What a page loads or styles itself with: the values of `src`, of `href` of links, and of `url()` in a style.
pub(super) fn loaded_resources(page: &str) -> Vec<String> {
    let from = |tag: &Tag| match tag.name.as_str() {
        "link" => tag.attribute("href"),
        _ => tag.attribute("src"),
    };
    let in_styles = page.split("url(").skip(1).filter_map(|after| Some(after.split_once(')')?.0));
    let in_styles = in_styles.map(|url| url.trim_matches(['"', '\'', ' ']).to_owned());
    tags(page).iter().filter_map(from).chain(in_styles).collect()
}

/// Whether the page fits itself to the width of a phone.
pub(super) fn has_viewport(page: &str) -> bool {
    tags(page).iter().any(|tag| {
        tag.name == "meta" && tag.attribute("name").is_some_and(|name| name.eq_ignore_ascii_case("viewport"))
    })
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
    }
}

fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        let name_end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '/').unwrap_or(after.len());
        let (name, after) = after.split_at(name_end);
        let (attributes, after) = attributes(after);
        tags.push(Tag { name: name.to_ascii_lowercase(), attributes });
        rest = after;
    }
    tags
}

/// The attributes up to `>`, and what follows it.
fn attributes(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return (attributes, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (attributes, after);
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '>').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end.max(rest.chars().next().map_or(0, char::len_utf8)));
        rest = after.trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            (value, rest) = if let Some(quote @ ('"' | '\'')) = after.chars().next() {
                after[1..].split_once(quote).unwrap_or((&after[1..], ""))
            } else {
                after.split_at(
                    after.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(after.len()),
                )
            };
        }
        attributes.push((name.to_ascii_lowercase(), unescape(value)));
    }
}

fn unescape(text: &str) -> String {
    let named = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x3D;", "="),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ];
    let text = named.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain));
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_a_browser_reads_it() {
        let page = "<form method=POST action='/go?a=1&amp;b=2'><input type=hidden name=t value=\"a&quot;b\">\
            <input name=code disabled><button type=submit name=d value=yes>Yes</button></form><input name=outside>";
        let [form] = <[Form; 1]>::try_from(forms(page)).unwrap();
        assert_eq!((form.action.as_str(), form.is_post), ("/go?a=1&b=2", true));
        let fields: Vec<_> =
            form.fields.iter().map(|field| (&*field.name, &*field.value, field.is_typed)).collect();
        assert_eq!(fields, [("t", "a\"b", false), ("code", "", true)]);
        assert_eq!(form.buttons, [("d".to_owned(), "yes".to_owned())]);
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for text in ["<", "<a", "<a b", "<a b=", "<a b=\"", "<é é=é>", "a<b =\"x\"", "<a =>", "<a 'b>"] {
            forms(text);
        }
    }
}
