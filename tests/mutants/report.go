package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// report prints the table, a line as each result comes, and then what survived. It returns an error unless all died.
func report(w io.Writer, results iter.Seq[result]) error {
	start, killed, hung := time.Now(), 0, 0
	var survivors, broken []result
	row := "%-36s %-10s %-66s %-60s %7s\n"
	fmt.Fprintf(w, row, "mutant", "package", "the change", "killed by", "seconds")
	for r := range results {
		by := r.killer
		switch {
		case r.err != nil:
			by, broken = "ERROR", append(broken, r)
		case r.killer == "":
			by, survivors = "SURVIVED", append(survivors, r)
		case r.hung:
			by, hung = "time limit, in "+r.killer, hung+1
		default:
			killed++
		}
		fmt.Fprintf(w, row, r.Name, r.pkg(), r.Bug, by, fmt.Sprintf("%.1f", r.took.Seconds()))
	}
	for _, r := range survivors {
		fmt.Fprintf(w, "\nSURVIVED %s: %s. The tests of %v pass with it; write the one that fails.\n%s", r.id(), r.Bug, r.tried, r.diff())
	}
	for _, r := range broken {
		fmt.Fprintf(w, "\nERROR %s: %v\n", r.id(), r.err)
	}
	fmt.Fprintf(w, "\n%d mutants: %d killed, %d hung, %d survived, %d in error, in %.0f s\n",
		killed+hung+len(survivors)+len(broken), killed, hung, len(survivors), len(broken), time.Since(start).Seconds())
	if len(survivors)+len(broken) > 0 {
		return errors.New("not every mutant died")
	}
	return nil
}
