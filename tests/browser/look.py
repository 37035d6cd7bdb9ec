"""Looks at every notebook as a reader sees it in a fresh clone: its committed outputs in JupyterLab, where it is not trusted; and
at those with a slider once more, trusted, where the slider must move the figure.

tests/browser/run.py --all calls it. No kernel starts and no cell runs.
"""
import nbformat
from nbformat.sign import NotebookNotary

# JupyterLab keeps cells that are out of sight out of the page, unless this setting says otherwise.
SETTINGS = {"@jupyterlab/notebook-extension/tracker.jupyterlab-settings": '{"windowingMode": "none"}'}

OPEN = """async path => {
  const app = window.jupyterapp;
  const widget = await app.commands.execute('docmanager:open',
    {path, factory: 'Notebook', kernelPreference: {shouldStart: false, autoStartDefault: false}});
  await widget.revealed;
  await widget.context.ready;
}"""

CLOSE = "() => window.jupyterapp.shell.currentWidget.dispose()"

# What the page shows of the notebook before the reader: its figures, its mathematics, its sliders.
SEEN = """() => {
  const panel = window.jupyterapp.shell.currentWidget, root = panel.node;
  const cells = [...panel.content.model.sharedModel.cells].map(c => c.toJSON());
  const outputs = cells.filter(c => c.cell_type === 'code').flatMap(c => c.outputs);
  const html = outputs.map(o => [].concat(o.data?.['text/html'] ?? '').join(''));
  const images = [...root.querySelectorAll('.jp-OutputArea-output img')];
  const prose = [...root.querySelectorAll('.jp-MarkdownOutput')];
  const written = cells.filter(c => c.cell_type === 'markdown').map(c => [].concat(c.source).join(''));
  return {
    rendered: prose.length >= written.length && prose.every(p => p.childElementCount > 0),
    errors: outputs.filter(o => o.output_type === 'error').map(o => o.evalue),
    figures: html.reduce((n, h) => n + (h.match(/<img/g) ?? []).length, 0),
    shown: images.filter(i => i.complete && i.naturalWidth > 0).length,
    broken: images.filter(i => i.complete && i.naturalWidth === 0).map(i => i.alt),
    bare: images.filter(i => !i.alt).length,
    maths: written.filter(s => /\\$[^$]+\\$/.test(s)).length > 0,
    typeset: root.querySelectorAll('mjx-container').length,
    faulty: [...root.querySelectorAll('mjx-merror, [data-mjx-error]')].map(e => e.textContent),
    wide: [...root.querySelectorAll('mjx-container')].filter(e => e.firstElementChild.getBoundingClientRect().right >
      e.closest('.jp-MarkdownOutput').getBoundingClientRect().right + 1).map(e => e.closest('.jp-MarkdownOutput').innerText.slice(0, 60)),
    raw: prose.filter(p => /\\$\\$|\\$\\\\/.test(p.innerText)).map(p => p.innerText.slice(0, 60)),
    sliders: html.filter(h => h.includes('data-slider=')).length,
    ranges: root.querySelectorAll('.jp-OutputArea-output input[type=range]').length,
  };
}"""

# Moves every slider to its end and says which figures stayed as they were.
MOVE = """() => [...window.jupyterapp.shell.currentWidget.node.querySelectorAll('[data-slider]')].filter(root => {
  const range = root.querySelector('input[type=range]'), figure = root.querySelector('img');
  if (!range) return true;
  const before = figure.src;
  range.value = range.max;
  range.dispatchEvent(new Event('input'));
  return figure.src === before;
}).map(root => root.dataset.label)"""


def look(page, folder):
    """Returns what is wrong with the notebooks in folder/notebooks, each by name."""
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    faults, sliding = [], []
    for path in sorted(folder.glob("notebooks/*.ipynb")):
        seen = show(page, path)
        faults += [path.stem + ": " + fault for fault in untrusted(seen)]
        if seen["sliders"]:
            sliding.append(path)
        page.evaluate(CLOSE)
    for path in sliding:
        notary(folder).sign(nbformat.read(str(path), 4))
        seen = show(page, path, trusted=True)
        if seen["ranges"] != seen["sliders"]:
            faults.append("{}: trusted, {} of {} sliders are there".format(path.stem, seen["ranges"], seen["sliders"]))
        faults += ["{}: the slider {!r} moves nothing".format(path.stem, label) for label in page.evaluate(MOVE)]
        page.evaluate(CLOSE)
    return faults


def notary(folder):
    """Signs notebooks for the server that flags(folder) were given to, and for no other."""
    return NotebookNotary(db_file=str(folder / "signatures.db"), secret_file=str(folder / "secret"))


def flags(folder):
    return ["--NotebookNotary.db_file={}".format(folder / "signatures.db"), "--NotebookNotary.secret_file={}".format(folder / "secret")]


def show(page, path, trusted=False):
    """Opens a notebook and returns what the page shows once everything is there, or after 20 s."""
    page.evaluate(OPEN, "notebooks/" + path.name)
    seen = None
    for _ in range(200):
        page.wait_for_timeout(100)
        seen = page.evaluate(SEEN)
        whole = seen["rendered"] and seen["shown"] >= seen["figures"] and (seen["typeset"] or not seen["maths"])
        if whole and (seen["ranges"] == seen["sliders"] or not trusted):
            break
    return seen


def untrusted(seen):
    """What is wrong with a page whose notebook is not trusted."""
    if not seen["rendered"]:
        yield "not all of its text is shown"
    if seen["shown"] < seen["figures"]:
        yield "{} of {} figures are shown; broken: {}".format(seen["shown"], seen["figures"], seen["broken"])
    if seen["bare"]:
        yield "{} figures have no alternative text".format(seen["bare"])
    if seen["maths"] and not seen["typeset"]:
        yield "no mathematics is typeset"
    yield from ("an error: " + error for error in seen["errors"])
    yield from ("mathematics that fails: " + text for text in seen["faulty"])
    yield from ("mathematics wider than the page of 1200, in: " + text for text in seen["wide"])
    yield from ("mathematics that is not typeset, in: " + text for text in seen["raw"])
    if seen["ranges"]:
        yield "{} sliders although it is not trusted: this is no check of what a fresh clone shows".format(seen["ranges"])
