package show

import (
	"fmt"
	"html"
	"os"
	"time"

	"github.com/janpfeifer/gonb/gonbui"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
)

// Progress returns a bar for fit.Config.Progress, which calls it about ten times a second. In a notebook the bar is an
// output that is updated in place and emptied when the run ends, so that nothing of it, no time above all, stays in the
// saved notebook; elsewhere it is fit.Bar on standard error.
func Progress() fit.Progress {
	if !gonbui.IsNotebook {
		return fit.Bar(os.Stderr)
	}
	id := "progress_" + gonbui.UniqueId()
	return progress(func(html string) { gonbui.UpdateHTML(id, html) }, gonbui.Sync)
}

// progress draws through update, and waits with sync until the output stands, so that none is lost when the cell ends.
func progress(update func(html string), sync func()) fit.Progress {
	return func(s fit.Status) {
		if s.Done {
			update("")
		} else {
			update(progressHTML(s))
		}
		sync()
	}
}

func progressHTML(s fit.Status) string {
	line := s.String()
	if s.StepsPerSecond > 0 {
		line += fmt.Sprintf("  %.3g steps/s  %s to go", s.StepsPerSecond, s.ETA.Round(time.Second))
	}
	return fmt.Sprintf(`<progress max="%d" value="%d"></progress> %s`, s.Steps, s.Step, html.EscapeString(line))
}
