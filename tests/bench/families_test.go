package bench

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/family"
	"github.com/lowerbound-ml/lowerbound/tests/tasks"
)

// BenchmarkFamilies measures the models that come with notebook 17, all families on a swiss roll and on digits: the table's columns, and
// the least seconds of b.N draws of 1000 samples, compilation apart.
//
//	go test -run '^$' -bench Families -benchtime 3x -timeout 30m ./tests/bench | tee docs/families.txt
func BenchmarkFamilies(b *testing.B) {
	const dir = "../../notebooks/checkpoints"
	same := func(nats float64) float64 { return nats }
	roll, digits := tasks.RollJudge(1000), tasks.DigitJudge()
	for _, task := range []struct {
		name    string
		trainer family.Trainer
		judge   family.Judge
		fresh   [][]float64
		per     func(nats float64) float64
	}{
		{"roll", tasks.Roll(backendtest.Open(b), dir), roll, tasks.OnRoll(2000, 3), same},
		{"digits", tasks.Digits(backendtest.Open(b), dir), digits, digits.Data, tasks.Bits},
	} {
		models, err := task.trainer.All()
		if err != nil {
			b.Fatal(err)
		}
		rows, err := task.judge.Measure(models, task.fresh, 17)
		if err != nil {
			b.Fatal(err)
		}
		for _, row := range rows {
			b.Run(task.name+"/"+row.Name, func(b *testing.B) { reportRow(b, row, task.per) })
		}
	}
}

// reportRow reports the columns of a row.
func reportRow(b *testing.B, row family.Row, per func(nats float64) float64) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(row.Energy.Value/row.Energy.Floor.High, "energy/floor")
	b.ReportMetric(row.MMD.Value/row.MMD.Floor.High, "mmd/floor")
	b.ReportMetric(row.Quality.Precision, "precision")
	b.ReportMetric(row.Quality.Recall, "recall")
	b.ReportMetric(float64(row.Modes.Covered), "modes")
	if row.Evidence != family.None {
		b.ReportMetric(per(row.NLL), "nll-"+row.Evidence.String())
		b.ReportMetric(math.Abs(per(row.NLL+row.SE)-per(row.NLL)), "nll-se")
	}
	if row.Sample == nil {
		return
	}
	draw := func() float64 {
		began := time.Now()
		if _, err := row.Sample(1000, 1); err != nil {
			b.Fatal(err)
		}
		return time.Since(began).Seconds()
	}
	draw() // compiles, where the model keeps its program
	var seconds []float64
	for range b.N {
		seconds = append(seconds, draw())
	}
	b.ReportMetric(float64(row.Calls), "calls")
	b.ReportMetric(slices.Min(seconds), "s-1000")
}
