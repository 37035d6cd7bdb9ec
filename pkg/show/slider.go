package show

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"math"
)

// staticFrames is how many frames a slider shows where scripts do not run.
const staticFrames = 4

// Slider displays one figure for each value, with a slider between them that says "label = value".
//
// Where scripts run (a trusted notebook, the static site) the slider switches the frames, by mouse or arrow keys.
// Elsewhere four of the frames stand side by side, and must teach alone: the alternative text describes them.
// All frames share the limits of their axes. The HTML is self-contained.
func Slider(alt, label string, values []float64, figures []Figure) {
	displayHTML(alt, SliderHTML(alt, label, values, figures))
}

// SliderHTML returns what Slider displays. Both panic without an alternative text, with fewer than two figures, or when
// there are not as many values.
func SliderHTML(alt, label string, values []float64, figures []Figure) string {
	requireAlt("Slider", alt)
	if len(values) != len(figures) || len(figures) < 2 {
		panic(fmt.Errorf("show.Slider: %d values and %d figures, expected as many, at least 2", len(values), len(figures)))
	}
	figures = sharedLimits(figures)
	type frame struct{ Text, SVG string }
	var frames []frame
	for i := range figures {
		text := label + " = " + short3(values[i])
		figures[i].Title += "\n" + text
		frames = append(frames, frame{text, string(figures[i].SVG(alt))})
	}
	var static []Figure
	n := min(staticFrames, len(figures))
	for i := range n {
		static = append(static, figures[int(math.Round(float64(i*(len(figures)-1))/float64(n-1)))])
	}
	data := compressed(frames)
	id := fmt.Sprintf("lb-%x", sha256.Sum256([]byte(data)))[:16]
	return fmt.Sprintf(sliderHTML, id, img(alt, svgType, PanelsSVG(alt, static...)), html.EscapeString(label), data)
}

// compressed returns v as JSON, by gzip, in base64: frames resemble each other, and shrink to a sixth.
func compressed(v any) string {
	var out bytes.Buffer
	pack, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // an error only for an unknown level
	if err := errors.Join(json.NewEncoder(pack).Encode(v), pack.Close()); err != nil {
		panic(fmt.Errorf("show.Slider: %w", err)) // a buffer takes everything
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// sliderHTML is filled with: id, static frame, label, compressed frames. The script builds the controls, so that
// nothing dead is left where it does not run. A figure that stands twice on a page is set up twice.
const sliderHTML = `<div data-slider="%[1]s" data-label="%[3]s">%[2]s</div>
<script>
(async () => {
  const bytes = Uint8Array.from(atob("%[4]s"), c => c.charCodeAt(0));
  const frames = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  for (const root of document.querySelectorAll('[data-slider="%[1]s"]')) {
    if (root.dataset.ready) continue;
    root.dataset.ready = "yes";
    const img = root.querySelector("img");
    const row = document.createElement("label");
    const range = document.createElement("input");
    const text = document.createElement("output");
    row.style.cssText = "display:flex;gap:1em;align-items:center;max-width:640px;font:16px sans-serif";
    Object.assign(range, {type: "range", min: 0, max: frames.length - 1, step: 1, value: 0});
    range.style.flex = "1";
    range.setAttribute("aria-label", root.dataset.label);
    row.append(range, text);
    root.prepend(row);
    const show = () => {
      const f = frames[range.value];
      img.src = "data:image/svg+xml," + encodeURIComponent(f.SVG);
      text.textContent = f.Text;
      range.setAttribute("aria-valuetext", f.Text);
    };
    range.addEventListener("input", show);
    show();
  }
})();
</script>`

// sharedLimits returns copies of the figures whose axes span the data of all, where a figure does not set its own.
func sharedLimits(figures []Figure) []Figure {
	x, y, z := newSpan(figures[0].LogX), newSpan(figures[0].LogY), newSpan(false)
	out := append([]Figure{}, figures...)
	for i := range figures {
		for _, m := range figures[i].marks {
			m.extend(&figures[i], x, y)
			if h, ok := m.(*heat); ok {
				z.include(h.lo, h.hi)
			}
		}
	}
	for i := range out {
		lox, hix := x.limits(out[i].XLim)
		loy, hiy := y.limits(out[i].YLim)
		out[i].XLim, out[i].YLim = [2]float64{lox, hix}, [2]float64{loy, hiy}
		if out[i].ZLim == [2]float64{} && z.lo < z.hi {
			out[i].ZLim = [2]float64{z.lo, z.hi}
		}
	}
	return out
}
