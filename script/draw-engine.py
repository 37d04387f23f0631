#!/usr/bin/env python3
"""Draws Documentation/engine.svg: the modules, from Package.swift, and the phases of a step.

    script/draw-engine.py
"""
import html
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHOWN = ["TartineKernels", "TartineEngine", "TartineFiles", "TartineNetworks", "TartineOptimizers", "TartineData",
         "TartineTraining", "TartineDiagnosis", "TartineSearch", "TartineImprovement", "TartineReports", "TartinePredict", "Tartine",
         "TartineCommand"]


def dependencies():
    """The modules that each depends on, of those shown."""
    text = (ROOT / "Package.swift").read_text()
    found = {}
    for name, body in re.findall(r'arget\(\s*name: "(\w+)"(.*?)(?=\n    \.|\n  \])', text, re.S):
        inside = re.search(r"dependencies: \[(.*?)\]", body, re.S)
        names = re.findall(r'"(\w+)"', inside.group(1)) if inside else []
        found.setdefault(name, [n for n in names if n in SHOWN])
    return {name: found.get(name, []) for name in SHOWN}


def levels(edges):
    """How far each module lies above those that depend on nothing."""
    level = {}

    def of(name):
        if name not in level:
            level[name] = 1 + max((of(n) for n in edges[name]), default=-1)
        return level[name]

    for name in edges:
        of(name)
    return level


class Drawing:
    def __init__(self):
        self.parts = []

    def box(self, x, y, w, h, title, lines=(), kind="box"):
        self.parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{w}" height="{h}" rx="5"/>')
        self.text(x + w / 2, y + 20, title, "title")
        for place, line in enumerate(lines):
            self.text(x + w / 2, y + 37 + 15 * place, line, "small")

    def text(self, x, y, words, kind, anchor="middle"):
        self.parts.append(f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{html.escape(words)}</text>')

    def arrow(self, x1, y1, x2, y2):
        self.parts.append(f'<line class="arrow" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" marker-end="url(#head)"/>')


def main():
    drawing = Drawing()
    edges = dependencies()
    level = levels(edges)
    # Modules from the lowest at the left.
    drawing.text(20, 26, "Modules: an arrow points to what is used", "heading", "start")
    places = {}
    for number in range(max(level.values()) + 1):
        names = [n for n in SHOWN if level[n] == number]
        for row, name in enumerate(names):
            x, y = 16 + number * 115, 44 + row * 58 + (2 - len(names)) * 29
            places[name] = (x, y)
    reachable = {}

    def below(name):
        if name not in reachable:
            reachable[name] = set(edges[name]).union(*[below(n) for n in edges[name]])
        return reachable[name]

    for name, used in edges.items():
        for other in used:
            # What another use implies is left out.
            if any(other in below(n) for n in used if n != other):
                continue
            (x, y), (u, v) = places[name], places[other]
            drawing.arrow(x, y + 16, u + 97, v + 16)
    for name, (x, y) in places.items():
        drawing.box(x, y, 96, 32, name.removeprefix("Tartine") or "Tartine")

    top = 190
    drawing.text(20, top, "From layers to a pass", "heading", "start")
    forms = [("Network", ["layers as values"]), ("LayerGraph", ["layers in place:", "values, shapes, tensors"]),
             ("Program", ["operations, fused;", "the memory of a pass"]), ("Pass", ["runs it: train, predict,", "measure statistics"])]
    for place, (title, lines) in enumerate(forms):
        x = 20 + place * 310
        drawing.box(x, top + 14, 200, 66, title, lines, "form")
        if place:
            drawing.arrow(x - 110, top + 47, x - 2, top + 47)

    top = 304
    drawing.text(20, top, "A step: phases, each in parts on all threads, with a barrier after each", "heading", "start")
    phases = [
        ("forward", ["one for each operation:", "X W, statistics, activation,", "mask, for some columns;", "or a layer, for some rows"]),
        ("loss", ["some rows:", "softmax and cross-entropy,", "the gradient in place"]),
        ("backward", ["one for each value, last first:", "its readers propagate to it,", "then what makes it", "differentiates"]),
        ("parameters", ["some weights: Xᵀ G, Σ g²,", "and their update while the", "gradient is in the cache;", "the next batch is gathered"]),
    ]
    for place, (title, lines) in enumerate(phases):
        x = 20 + place * 310
        drawing.box(x, top + 14, 200, 104, title, lines, "phase")
        if place:
            drawing.arrow(x - 110, top + 66, x - 2, top + 66)

    style = """
      text { font-family: system-ui, sans-serif; fill: #1c2430 }
      .heading { font-size: 14px; font-weight: 600 } .title { font-size: 13px; font-weight: 600 } .small { font-size: 12px }
      rect { stroke: #5b6b80; fill: #eef2f7 } .form { fill: #e7f1e9 } .phase { fill: #fbf1de }
      .arrow { stroke: #5b6b80; stroke-width: 1.2 }"""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1170 436" role="img" '
        'aria-label="The modules, the forms of a network, and the phases of a step">'
        f"<style>{style}</style><defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#5b6b80"/></marker></defs>'
        '<rect x="0" y="0" width="1170" height="436" style="fill: #fff; stroke: none"/>' + "".join(drawing.parts) + "</svg>\n")
    (ROOT / "Documentation" / "engine.svg").write_text(svg)


main()
