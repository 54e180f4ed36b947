//! Maximum matching in a bipartite graph, by Hopcroft and Karp; no recursion.

use std::collections::VecDeque;

/// For each vertex on the left the one on the right that it is matched with, in a matching that is
/// as large as can be. `partners` lists the edges of each left vertex, preferred ones first; `spend`
/// counts steps and says whether there are any left: if not, there is no answer.
pub(super) fn maximum_matching(
    partners: &[Vec<u32>],
    right: usize,
    mut spend: impl FnMut(usize) -> bool,
) -> Option<Vec<Option<u32>>> {
    let mut graph =
        Graph { partners, of_left: vec![None; partners.len()], of_right: vec![None; right] };
    graph.greedy();
    let edges: usize = partners.iter().map(|list| list.len() + 1).sum();
    loop {
        if !spend(edges) {
            return None;
        }
        let Some(mut layers) = graph.layers() else { return Some(graph.of_left) };
        let mut next = vec![0; partners.len()];
        for left in 0..partners.len() {
            if graph.of_left[left].is_none() {
                graph.augment(left, &mut layers, &mut next);
            }
        }
    }
}

struct Graph<'p> {
    partners: &'p [Vec<u32>],
    of_left: Vec<Option<u32>>,
    of_right: Vec<Option<u32>>,
}

const FAR: u32 = u32::MAX;

impl Graph<'_> {
    fn greedy(&mut self) {
        for (left, partners) in self.partners.iter().enumerate() {
            let free = partners.iter().find(|right| self.of_right[**right as usize].is_none());
            if let Some(right) = free {
                self.of_left[left] = Some(*right);
                self.of_right[*right as usize] = Some(left as u32);
            }
        }
    }

    /// How far each left vertex is from a free one, if a free right vertex can be reached.
    fn layers(&self) -> Option<Vec<u32>> {
        let mut layers = vec![FAR; self.partners.len()];
        let mut queue = VecDeque::new();
        for (left, layer) in layers.iter_mut().enumerate() {
            if self.of_left[left].is_none() {
                *layer = 0;
                queue.push_back(left);
            }
        }
        let mut reached = false;
        while let Some(left) = queue.pop_front() {
            for right in &self.partners[left] {
                match self.of_right[*right as usize] {
                    None => reached = true,
                    Some(other) if layers[other as usize] == FAR => {
                        layers[other as usize] = layers[left] + 1;
                        queue.push_back(other as usize);
                    }
                    Some(_) => {}
                }
            }
        }
        reached.then_some(layers)
    }

    /// Looks for a path from the free vertex `start` to a free one on the right, along the layers,
    /// and turns it around. `next` says which edges of a vertex are still to be tried.
    fn augment(&mut self, start: usize, layers: &mut [u32], next: &mut [usize]) {
        let mut path = vec![start];
        while let Some(left) = path.last().copied() {
            let Some(right) = self.partners[left].get(next[left]).copied() else {
                layers[left] = FAR;
                path.pop();
                if let Some(before) = path.last() {
                    next[*before] += 1;
                }
                continue;
            };
            match self.of_right[right as usize] {
                None => {
                    self.turn(&path, next);
                    path.iter().for_each(|used| layers[*used] = FAR);
                    return;
                }
                Some(other) if layers[other as usize] == layers[left].wrapping_add(1) => {
                    path.push(other as usize);
                }
                Some(_) => next[left] += 1,
            }
        }
    }

    fn turn(&mut self, path: &[usize], next: &[usize]) {
        for left in path {
            let right = self.partners[*left][next[*left]];
            self.of_left[*left] = Some(right);
            self.of_right[right as usize] = Some(*left as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(partners: &[Vec<u32>], right: usize) -> usize {
        let matching = maximum_matching(partners, right, |_| true).unwrap();
        let mut used: Vec<u32> = matching.iter().flatten().copied().collect();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used.len(), matching.iter().flatten().count(), "no vertex has two partners");
        used.len()
    }

    #[test]
    fn a_greedy_choice_is_taken_back_if_that_makes_room() {
        assert_eq!(size(&[vec![0, 1], vec![0]], 2), 2);
        assert_eq!(size(&[vec![0, 1], vec![0, 2], vec![0], vec![1]], 3), 3);
    }

    #[test]
    fn a_chain_as_long_as_the_graph_is_turned_around() {
        let last = 50_000u32;
        let mut partners: Vec<Vec<u32>> = (0..last).map(|i| vec![i, i + 1]).collect();
        partners.push(vec![0]);
        assert_eq!(size(&partners, last as usize + 1), last as usize + 1);
    }

    #[test]
    fn without_steps_there_is_no_answer() {
        assert_eq!(maximum_matching(&[vec![0]], 1, |_| false), None);
    }
}
