package show

import "fmt"

// Mesh returns the centres of rows × columns equal cells of the box from x[0] to x[1] and y[0] to y[1], as points [n][2]
// row by row from y[0] upwards: where Heat shows the values. Table brings values at the points into Heat's form.
// It panics when there is no cell.
func Mesh(x, y [2]float64, columns, rows int) [][]float64 {
	if columns < 1 || rows < 1 {
		panic(fmt.Errorf("show.Mesh: %d columns and %d rows, expected at least 1 of each", columns, rows))
	}
	points := make([][]float64, 0, columns*rows)
	for r := range rows {
		for c := range columns {
			points = append(points, []float64{
				x[0] + (float64(c)+.5)/float64(columns)*(x[1]-x[0]),
				y[0] + (float64(r)+.5)/float64(rows)*(y[1]-y[0])})
		}
	}
	return points
}

// Table cuts values into rows of the given number of columns. It panics when they do not fill the rows.
func Table(values []float64, columns int) [][]float64 {
	if columns < 1 || len(values)%columns != 0 {
		panic(fmt.Errorf("show.Table: %d values in rows of %d, expected full rows", len(values), columns))
	}
	var rows [][]float64
	for ; len(values) > 0; values = values[columns:] {
		rows = append(rows, values[:columns])
	}
	return rows
}
