package process_test

import "github.com/lowerbound-ml/lowerbound/pkg/process"

// d4 is the syllabus's D4: T = 4, β = (.1, .2, .3, .4).
var d4 = process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMin: 0, TMax: 4}

// sch is DDPM's own schedule.
var sch = process.Process{Schedule: process.DDPM(1000, 1e-4, .02), TMin: 0, TMax: 1000}
