package show

import (
	"encoding/base64"
	"fmt"
	"html"

	"github.com/janpfeifer/gonb/gonbui"
)

// display shows an SVG document in a notebook and waits until it has arrived; elsewhere it prints the alternative text.
func display(alt string, svg []byte) { displayHTML(alt, img(alt, svgType, svg)) }

func displayHTML(alt, element string) {
	if !gonbui.IsNotebook {
		fmt.Println("figure: " + alt)
		return
	}
	gonbui.DisplayHTML(element)
	gonbui.Sync() // a check that fails later ends the program: the figure must have left it
}

const svgType = "image/svg+xml"

// img returns the one element that an untrusted notebook keeps, with a picture of the given media type.
func img(alt, media string, data []byte) string {
	return fmt.Sprintf(`<img alt="%s" style="max-width:100%%;height:auto" src="%s">`, html.EscapeString(alt), dataURI(media, data))
}

func dataURI(media string, data []byte) string {
	return "data:" + media + ";base64," + base64.StdEncoding.EncodeToString(data)
}
