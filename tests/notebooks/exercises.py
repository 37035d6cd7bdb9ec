"""What a notebook owes its reader besides its cells: an opening that says what it needs, and three exercises that are solved.

The opening is a paragraph before the first code cell that begins with **You need**, links the notebooks that it builds on
and says how many minutes it takes. The last section is ## Exercises, with three questions that begin with **Numeric.**,
**Derivation.** and **Experiment.** and a link to solutions/NAME.ipynb. The solution links back and has one section for each
question: the question again, word for word, as a quotation, and a code cell that checks the answer.
"""
import re

KINDS = ("Numeric", "Derivation", "Experiment")
CHECK = re.compile(r"\bcheck\.(?:Near|Less|MC|KS|Order|Differ|ChiSquare|True)\(")
CELL = re.compile(r"^```\{code-cell\}.*?^```$", re.M | re.S)


def exercise_faults(notebooks, name):
    """What notebooks/NAME.md and its solution lack, if anything."""
    text = (notebooks / (name + ".md")).read_text(encoding="utf-8")
    asked, path = questions(text), notebooks / "solutions" / (name + ".md")
    faults = opening_faults(name, text) + [
        "the section ## Exercises has no question **{}.**".format(kind) for kind in KINDS if kind not in asked]
    if list(asked) != [kind for kind in KINDS if kind in asked]:
        faults.append("## Exercises asks {}, expected one each of {} in this order, and no other".format(list(asked), KINDS))
    if "](solutions/{}.ipynb)".format(name) not in section(text, "Exercises"):
        faults.append("## Exercises does not link solutions/{}.ipynb".format(name))
    if not path.exists():
        return faults + ["there is no solutions/{}.md".format(name)]
    return faults + solution_faults(name, path.read_text(encoding="utf-8"), asked)


def opening_faults(name, text):
    opening = [p for p in text.split("```{code-cell}")[0].split("\n\n") if p.startswith("**You need**")]
    if len(opening) != 1 or not re.search(r"\bminutes\b", opening[0]):
        return ["before its first code cell it needs one paragraph that begins with **You need** and names the minutes that it takes"]
    if not name.startswith("00") and not re.search(r"\]\(\d\d-[\w-]+\.ipynb\)", opening[0]):
        return ["the paragraph **You need** links no earlier notebook"]
    return []


def questions(text):
    """The questions of ## Exercises by their kind, in their order, with single spaces."""
    parts = re.split(r"^\*\*(\w+)\.\*\* ", section(text, "Exercises"), flags=re.M)[1:]
    return {kind: " ".join(asked.split()) for kind, asked in zip(parts[::2], parts[1::2])}


def section(text, title):
    """What stands under the heading ## TITLE, up to the next such heading; nothing where there is no such heading."""
    found = re.search(r"^## {}\n(.*?)(?=^## |\Z)".format(re.escape(title)), CELL.sub(hide, text), re.M | re.S)
    return found.group(1).replace("\0", "#") if found else ""


def hide(cell):
    """A code cell whose comments cannot be taken for headings."""
    return cell.group(0).replace("#", "\0")


def solution_faults(name, text, asked):
    faults, headings = [], re.findall(r"^## (.*)$", CELL.sub(hide, text), re.M)
    if "](../{}.ipynb)".format(name) not in text:
        faults.append("solutions/{0}.md does not link ../{0}.ipynb".format(name))
    if headings != list(KINDS):
        faults.append("solutions/{}.md has the sections {}, expected {}".format(name, headings, list(KINDS)))
    for kind in KINDS:
        solved = section(text, kind)
        quoted = " ".join(" ".join(re.findall(r"^> ?(.*)$", solved, re.M)).split())
        if kind in asked and quoted != asked[kind]:
            faults.append("solutions/{}.md, {}: the quotation is not the question: {!r}, expected {!r}".format(name, kind, quoted, asked[kind]))
        if not any(CHECK.search(cell) for cell in CELL.findall(solved)):
            faults.append("solutions/{}.md, {}: no code cell checks the answer".format(name, kind))
    return faults
