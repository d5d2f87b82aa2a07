//! Pages of HTML that need nothing else: no script, no font, no file beside them.

use std::fmt::Write as _;

use super::markup::escaped;
use super::{Tale, picture};
use crate::schedule::Schedule;

/// A path with what there is to say about it.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// What it is: "lease: free_lock_is_death".
    pub title: &'a str,
    /// What is to be seen in it, in a sentence.
    pub about: &'a str,
    /// Names and values of what there is to know beside it: the bounds, the source of the promise.
    pub facts: &'a [(&'a str, String)],
    /// The path.
    pub tale: &'a Tale,
    /// The same as a file, where it can be played.
    pub schedule: Option<&'a Schedule>,
}

impl Account<'_> {
    /// The page.
    pub fn page(&self) -> String {
        let mut body =
            format!("<h1>{}</h1>\n<p class=\"about\">{}</p>\n", escaped(self.title), escaped(self.about));
        body += &facts(self.facts);
        let _ = writeln!(body, "<figure>\n{}</figure>", picture::render(self.tale));
        if let Some(schedule) = self.schedule.and_then(|schedule| serde_json::to_string_pretty(schedule).ok())
        {
            let _ = writeln!(
                body,
                "<details>\n<summary>The schedule</summary>\n<p>As a file, <code>model-check replay FILE</code> \
                 plays it.</p>\n<pre>{}</pre>\n</details>",
                escaped(&schedule)
            );
        }
        page(self.title, &body)
    }
}

/// A page with this title and this body.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escaped(title)
    )
}

/// Names and values.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let mut html = String::from("<dl>\n");
    for (name, value) in facts {
        let _ = writeln!(html, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
    }
    html + "</dl>\n"
}

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5a6673; --paper: #ffffff; --line: #d9dfe6; --wash: #f3f5f8;
  --good: #1f7a3f; --bad: #c93434 }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ee; --soft: #a7b3c0; --paper: #171c22; --line: #36414d;
  --wash: #202730; --good: #6cc78a; --bad: #f06a6a } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, 'Segoe UI', 'Helvetica Neue', sans-serif }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.5rem 4rem }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem }
h2 { font-size: 1.45rem; margin: 3rem 0 .6rem; padding-bottom: .25rem; border-bottom: 2px solid var(--line) }
h3 { font-size: 1.1rem; margin: 2rem 0 .4rem }
p { max-width: 46rem; margin: .5rem 0 }
.about { font-size: 1.1rem; color: var(--soft) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 1rem 0 }
dt { color: var(--soft) }
dd { margin: 0 }
code, pre { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, monospace; font-size: .88em }
pre { white-space: pre-wrap; background: var(--wash); padding: .8rem 1rem; border-radius: 6px }
figure { margin: 1rem 0; overflow-x: auto; border: 1px solid var(--line); border-radius: 6px }
figure svg { display: block }
.scroll { overflow-x: auto }
table { border-collapse: collapse; margin: .8rem 0; font-size: .92rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line) }
th { color: var(--soft); font-weight: 600 }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.wide { min-width: 13rem }
.name { white-space: nowrap }
.rule { margin: .4rem 0 1rem 1.2rem }
.good { color: var(--good) }
.bad { color: var(--bad); font-weight: 600 }
.soft { color: var(--soft) }
details { border-bottom: 1px solid var(--line); padding: .35rem 0 }
summary { cursor: pointer }
summary .soft { margin-left: .6rem }
nav ul { columns: 2; padding-left: 1.2rem; max-width: 46rem }
a { color: inherit; text-decoration-color: var(--soft) }
@media print {
  @page { margin: 14mm }
  :root { --ink: #000000; --soft: #444444; --paper: #ffffff; --line: #cccccc; --wash: #f5f5f5; --good: #14602e; --bad: #a01818 }
  body { font-size: 10.5pt }
  table { font-size: 8.5pt }
  .wide { min-width: 9rem }
  main { max-width: none; padding: 0 }
  figure { border: 0; overflow: visible }
  figure svg { max-width: 100%; height: auto }
  h2, h3, summary { break-after: avoid }
  tr, dl { break-inside: avoid }
}
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::schedule::Setting;

    #[test]
    fn a_page_needs_nothing_else_and_says_everything() {
        let tale = registry::specimen("directory_lock").unwrap().fall().unwrap();
        let schedule = Schedule {
            model: "m".to_string(),
            setting: Setting::Mutant("<x>".to_string()),
            breaks: tale.broken.clone(),
            steps: Vec::new(),
        };
        let facts = [("bounds", "2 < 3".to_string())];
        let account =
            Account { title: "a & b", about: "what", facts: &facts, tale: &tale, schedule: Some(&schedule) };
        let page = account.page();
        assert!(page.starts_with("<!DOCTYPE html>"));
        for part in ["<title>a &amp; b</title>", "2 &lt; 3", "<svg ", "&lt;x&gt;", "prefers-color-scheme"] {
            assert!(page.contains(part), "{part}");
        }
        for foreign in ["<script", "href=", "src=", "@import", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
