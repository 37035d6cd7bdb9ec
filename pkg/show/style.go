package show

// Colours of Okabe and Ito, in the order in which series take them; grey stands for their yellow, too pale on white.
var okabeIto = []string{"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A8A8A"}

// dashes in the order of the series; the first line is solid.
var dashes = []string{"", "9 5", "3 4", "12 4 3 4", "6 3", "14 6", "2 3 8 3", "5 2 1 2"}

// ruleDashes are those of reference lines, which are grey.
var ruleDashes = []string{"5 4", "2 3", "10 3 2 3"}

// The sizes in CSS pixels.
const (
	fontSize   = 16.0
	titleSize  = 18.0
	tickFont   = 15.0
	lineHeight = 24.0
	charWidth  = .56 // of the font size: the mean width of a sans-serif letter
)

// style tells the series of a figure apart: by colour, and by dash, marker or hatch.
type style struct {
	index        int
	colour, dash string
}

func (f *Figure) style() style {
	i := f.series
	f.series++
	return style{i, okabeIto[i%len(okabeIto)], dashes[i%len(dashes)]}
}

func (f *Figure) ruleStyle() style {
	n := 0
	for _, m := range f.marks {
		if _, ok := m.(rule); ok {
			n++
		}
	}
	return style{n, "#555555", ruleDashes[n%len(ruleDashes)]}
}

// marker returns the path of a marker of about 7 pixels, relative to its centre, and whether it is filled.
func marker(index int) (path string, filled bool) {
	switch index % 5 {
	case 0:
		return "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0", true // disc
	case 1:
		return "m-3-3l6 6m-6 0l6-6", false // cross
	case 2:
		return "m0-4l4 7h-8z", true // triangle
	case 3:
		return "m-3-3h6v6h-6z", false // square
	}
	return "m0-4l4 4l-4 4l-4-4z", true // diamond
}

func textWidth(s string, size float64) float64 { return float64(len([]rune(s))) * charWidth * size }
