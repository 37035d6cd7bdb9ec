package show

import (
	"fmt"
	"html"
	"strings"
)

// The size of a figure alone, and of one of several.
const (
	aloneWidth, aloneHeight = 640, 440
	panelWidth, panelHeight = 460, 400
	panelsInRow             = 3
)

const fontFamily = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

// Panels displays figures side by side, three in a row (four as two and two), as one picture in a notebook;
// elsewhere it prints the alternative text.
func Panels(alt string, figures ...Figure) { display(alt, panelsSVG("Panels", alt, figures)) }

// PanelsSVG returns what Panels displays as an SVG document.
func PanelsSVG(alt string, figures ...Figure) []byte { return panelsSVG("PanelsSVG", alt, figures) }

func panelsSVG(caller, alt string, figures []Figure) []byte {
	requireAlt(caller, alt)
	if len(figures) == 0 {
		panic(fmt.Errorf("show.%s: no figures, expected at least one", caller))
	}
	columns := min(len(figures), panelsInRow)
	if len(figures) == 4 {
		columns = 2
	}
	width, height := 0.0, 0.0
	for i := range figures {
		w, h := figures[i].size(caller, len(figures) == 1)
		width, height = max(width, w), max(height, h)
	}
	top := 0.0 // the axes of all panels start at one height
	for i := range figures {
		top = max(top, headHeight(&figures[i], width))
	}
	var c canvas
	titles := []string{}
	for i := range figures {
		titles = append(titles, figures[i].Title)
		c.put(`<g transform="translate(%s %s)">`, px(float64(i%columns)*width), px(float64(i/columns)*height))
		drawFigure(&c, &figures[i], width, height, top)
		c.put(`</g>`)
	}
	rows := (len(figures) + columns - 1) / columns
	return document(strings.Join(titles, "; "), alt, float64(columns)*width, float64(rows)*height, c.String())
}

// size returns the figure's size after checking that it says what it shows.
func (f *Figure) size(caller string, alone bool) (width, height float64) {
	if f.Title == "" || f.X == "" || f.Y == "" {
		panic(fmt.Errorf("show.%s: figure with Title %q, X %q, Y %q: expected a title that says what to see and labels with units", caller, f.Title, f.X, f.Y))
	}
	width, height = panelWidth, panelHeight
	if alone {
		width, height = aloneWidth, aloneHeight
	}
	if f.Width > 0 {
		width = f.Width
	}
	if f.Height > 0 {
		height = f.Height
	}
	return width, height
}

func requireAlt(caller, alt string) {
	if strings.TrimSpace(alt) == "" {
		panic(fmt.Errorf("show.%s: empty alternative text: expected what a reader who cannot see the figure must know", caller))
	}
}

// document wraps SVG elements into a document on white.
func document(title, alt string, width, height float64, body string) []byte {
	return []byte(fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%[1]s" height="%[2]s" viewBox="0 0 %[1]s %[2]s" font-family="%[3]s" fill="#111">
<title>%[4]s</title><desc>%[5]s</desc>
<rect width="%[1]s" height="%[2]s" fill="#fff"/>
%[6]s</svg>
`, px(width), px(height), fontFamily, html.EscapeString(title), html.EscapeString(alt), body))
}
