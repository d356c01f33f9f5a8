//! Endpoints by their levels: finds the one of a path, and those that share a path.

use std::collections::HashMap;

use crate::endpoint::Level;

/// A tree with a level an edge. A node knows the endpoint that ends there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
struct Node {
    literals: HashMap<String, usize>,
    parameter: Option<usize>,
    /// All children in the order in which they came, so that findings do not depend on hashes.
    children: Vec<usize>,
    /// The endpoint that ends here.
    end: Option<usize>,
    /// The first endpoint that goes through or ends here.
    first: usize,
}

/// What a path is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Found {
    /// The path of this endpoint.
    Endpoint(usize),
    /// The beginning of the paths of this endpoint, and perhaps of more.
    Beginning(usize),
    /// The path of none.
    Nothing,
}

impl Tree {
    /// Adds an endpoint. Of two equal ones the first is kept.
    pub(crate) fn insert(&mut self, levels: &[Level], endpoint: usize) {
        let mut at = self.root(endpoint);
        for level in levels {
            at = self
                .child(at, level)
                .unwrap_or_else(|| self.add(at, level, endpoint));
        }
        self.nodes[at].end.get_or_insert(endpoint);
    }

    /// Finds an endpoint that shares a path, or the beginning of one, with these levels.
    pub(crate) fn overlap(&self, levels: &[Level]) -> Option<usize> {
        let mut open = vec![(0, levels)];
        while let Some((at, levels)) = open.pop() {
            let Some(node) = self.nodes.get(at) else {
                continue;
            };
            if node.end.is_some() || levels.is_empty() {
                return Some(node.end.unwrap_or(node.first));
            }
            match &levels[0] {
                Level::Literal(word) => {
                    let both = [node.literals.get(word).copied(), node.parameter];
                    open.extend(
                        both.into_iter()
                            .flatten()
                            .map(|child| (child, &levels[1..])),
                    );
                }
                Level::Parameter(_) => {
                    open.extend(
                        node.children
                            .iter()
                            .rev()
                            .map(|child| (*child, &levels[1..])),
                    );
                }
            }
        }
        None
    }

    /// Finds the endpoint of a path.
    ///
    /// Literals go before parameters. Both ways are open only where endpoints part later on, and no
    /// node is reached twice, so the cost is that of the levels unless such endpoints abound.
    pub(crate) fn find(&self, path: &[&str]) -> Found {
        let mut found = Found::Nothing;
        let mut open = vec![(0, path)];
        while let Some((at, path)) = open.pop() {
            let Some(node) = self.nodes.get(at) else {
                continue;
            };
            match (path.first(), node.end) {
                (None, Some(endpoint)) => return Found::Endpoint(endpoint),
                (None, None) => found = Found::Beginning(node.first),
                (Some(level), _) => {
                    let both = [node.parameter, node.literals.get(*level).copied()];
                    open.extend(both.into_iter().flatten().map(|child| (child, &path[1..])));
                }
            }
        }
        found
    }

    fn root(&mut self, endpoint: usize) -> usize {
        if self.nodes.is_empty() {
            self.nodes.push(Node::new(endpoint));
        }
        0
    }

    fn child(&self, at: usize, level: &Level) -> Option<usize> {
        match level {
            Level::Literal(word) => self.nodes[at].literals.get(word).copied(),
            Level::Parameter(_) => self.nodes[at].parameter,
        }
    }

    fn add(&mut self, at: usize, level: &Level, endpoint: usize) -> usize {
        let child = self.nodes.len();
        self.nodes.push(Node::new(endpoint));
        let node = &mut self.nodes[at];
        node.children.push(child);
        match level {
            Level::Literal(word) => drop(node.literals.insert(word.clone(), child)),
            Level::Parameter(_) => node.parameter = Some(child),
        }
        child
    }
}

impl Node {
    fn new(first: usize) -> Node {
        Node {
            literals: HashMap::new(),
            parameter: None,
            children: Vec::new(),
            end: None,
            first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;

    fn levels(endpoint: &str) -> Vec<Level> {
        Endpoint::parse(endpoint).unwrap().levels().to_vec()
    }

    fn tree(endpoints: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for (index, endpoint) in endpoints.iter().enumerate() {
            tree.insert(&levels(endpoint), index);
        }
        tree
    }

    fn find(tree: &Tree, path: &str) -> Found {
        let path: Vec<_> = path.split('/').skip(1).collect();
        tree.find(&path)
    }

    #[test]
    fn literals_and_parameters_part_later() {
        let tree = tree(&["/%{x}/b", "/a/c", "/%{x}/d/%{y}"]);
        assert_eq!(find(&tree, "/a/b"), Found::Endpoint(0));
        assert_eq!(find(&tree, "/a/c"), Found::Endpoint(1));
        assert_eq!(find(&tree, "/z/c"), Found::Nothing);
        assert_eq!(find(&tree, "/a/d"), Found::Beginning(2));
        assert_eq!(find(&tree, "/a/d/1"), Found::Endpoint(2));
        assert_eq!(find(&tree, "/a/d/1/2"), Found::Nothing);
        assert_eq!(tree.find(&[]), Found::Beginning(0));
    }

    #[test]
    fn an_empty_tree_has_nothing() {
        assert_eq!(Tree::default().find(&["a"]), Found::Nothing);
        assert_eq!(Tree::default().overlap(&levels("/a")), None);
    }

    #[test]
    fn overlaps_agree_with_the_definition() {
        let all = [
            "/a",
            "/a/b",
            "/a/b/c",
            "/b/a",
            "/%{x}",
            "/%{x}/b",
            "/a/%{x}",
            "/%{x}/b/%{y}",
            "/b/%{x}/c",
            "/%{x}/%{y}/d",
            "/_a/b",
        ];
        for one in all {
            for two in all {
                let (a, b) = (levels(one), levels(two));
                let expected = a.iter().zip(&b).all(|(a, b)| {
                    a == b || matches!(a, Level::Parameter(_)) || matches!(b, Level::Parameter(_))
                });
                let found = tree(&[one]).overlap(&b).is_some();
                assert_eq!(found, expected, "{one} {two}");
            }
        }
    }
}
