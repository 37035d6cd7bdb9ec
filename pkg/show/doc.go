// Package show draws the figures of the notebooks, as SVG that also reads at half its size.
//
//	fig := show.Figure{Title: "One latent, two modes", X: "x", Y: "density (1/unit of x)"}
//	fig.Histogram("samples", samples, 40)
//	fig.Line("p(x) by quadrature", xs, density)
//	fig.Show("The histogram follows the density: two equal humps at -2 and 2.")
//
// Every call that shows something takes an alternative text: what a reader who cannot see the figure must know.
// A figure without one, or without title and axis labels, is a panic, as is any other mistake in a call:
// the package is for notebooks.
//
// Slider steps through figures, Animate makes a moving picture of a path from noise to data, Strip a table of it.
//
// In a notebook, figures appear as <img> elements with a data URI, because a notebook that is not yet trusted strips
// inline SVG, scripts and style sheets. Elsewhere Show prints one line with the alternative text; Save writes a file.
//
// Colours are those of Okabe and Ito ("Color universal design", 2008), with grey for their yellow; dashes, markers and hatches tell the series
// apart without them. Heat maps use viridis. Legends stand above the axes, where no data lie.
// Lines and clouds of points are thinned to what the eye can resolve, and a legend says so.
//
// The SVG is written here and not by gonum/plot: that library adds 7 MB and a tenth of a second to the link of every notebook
// cell (this package: 1 MB), sets its legend over the data, and has no title or description for screen readers.
package show
