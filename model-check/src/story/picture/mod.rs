//! A path as a picture: SVG that needs nothing else, readable on light and on dark.
//!
//! ```text
//! | # | process a | process b | clock | record | lock |
//! |   |     :     |     :     |  bar  |  bar   | bar  |    the world as it stood at first
//! | 1 |  [step] --+-----------+-------+--> bar |  :   |    a step, and what it changed
//! | 2 |     - - tick 1 - - -  |  bar  |        |      |    what happens to the world
//! |   |  broken: ...                                  |
//! ```
//!
//! Time goes down. A participant is a line with its steps on it; each thing of the world is a bar, which begins
//! anew where its value changes, so that the world at any moment is read straight across.

mod draw;
mod layout;
mod style;

use super::Tale;

/// The picture, which is a document of its own and may stand in any page as well.
pub fn render(tale: &Tale) -> String {
    draw::svg(tale)
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};

    use super::*;
    use crate::registry;
    use crate::story::Told;

    fn fall() -> Tale {
        registry::specimen("directory_lock").unwrap().fall().unwrap()
    }

    fn of_class<'a>(document: &'a Document, class: &str) -> Vec<Node<'a, 'a>> {
        let has = |node: &Node| {
            node.attribute("class").is_some_and(|classes| classes.split(' ').any(|each| each == class))
        };
        document.descendants().filter(has).collect()
    }

    fn text(node: Node) -> String {
        let texts = node.descendants().filter(Node::is_text).filter_map(|text| text.text());
        texts.map(str::trim).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_step_lane_and_change_is_in_the_picture() {
        let tale = fall();
        let svg = render(&tale);
        let document = Document::parse(&svg).unwrap();
        let numbers: Vec<String> = of_class(&document, "number").into_iter().map(text).collect();
        let expected: Vec<String> = (1..=tale.steps.len()).map(|number| number.to_string()).collect();
        assert_eq!(numbers, expected);
        let lanes: Vec<String> = of_class(&document, "name").into_iter().map(text).collect();
        assert_eq!(lanes, tale.lanes);
        let drawn: Vec<String> = of_class(&document, "step").into_iter().map(text).collect();
        let told: Vec<String> = tale.steps.iter().map(|step| step.what.clone()).collect();
        assert_eq!(drawn, told);
        let changes: usize = (0..tale.steps.len()).map(|index| tale.changes(index).len()).sum();
        assert_eq!(of_class(&document, "span").len(), tale.world.len() + changes);
        let broken: Vec<String> = of_class(&document, "broken").into_iter().map(text).collect();
        assert_eq!(broken, ["broken: at most one process believes to own"]);
    }

    #[test]
    fn everything_lies_inside() {
        let svg = render(&fall());
        let document = Document::parse(&svg).unwrap();
        let number = |node: &Node, name: &str| node.attribute(name).and_then(|text| text.parse::<f64>().ok());
        let frame = document.root_element();
        let (width, height) = (number(&frame, "width").unwrap(), number(&frame, "height").unwrap());
        let mut rectangles = 0;
        for node in document.descendants().filter(|node| node.has_tag_name("rect")) {
            rectangles += 1;
            let right = number(&node, "x").unwrap() + number(&node, "width").unwrap();
            let bottom = number(&node, "y").unwrap() + number(&node, "height").unwrap();
            assert!(right <= width && bottom <= height, "{node:?} in {width} x {height}");
        }
        assert!(rectangles > 10);
    }

    #[test]
    fn text_from_a_model_is_no_markup_and_a_return_is_drawn() {
        let tale = Tale {
            lanes: vec!["<a> & b".to_string()],
            world: vec![("x", "\"1\" < 2".to_string())],
            steps: vec![Told {
                lane: Some(0),
                what: "writes <script>".to_string(),
                action: String::new(),
                world: vec![("x", "3 & 4".to_string())],
            }],
            broken: None,
            returns_to: Some(0),
        };
        let svg = render(&tale);
        let document = Document::parse(&svg).unwrap();
        assert!(!document.descendants().any(|node| node.has_tag_name("script")));
        assert_eq!(
            of_class(&document, "again").into_iter().map(text).collect::<Vec<_>>(),
            ["again from step 1"]
        );
        assert!(of_class(&document, "broken").is_empty());
    }

    #[test]
    fn a_picture_asks_nobody_for_anything() {
        let svg = render(&fall());
        for foreign in ["href", "url(", "@import", "<script", "<image"] {
            assert!(!svg.contains(foreign), "{foreign}");
        }
    }
}
