// Mutants changes the mathematics of pkg/ one bug at a time, and shows that a test of pkg/ fails for each.
//
//	go run ./tests/mutants [-run REGEXP] [-list] [-quick] [-jobs N] [-limit DURATION]
//
// The working tree stays as it is: a change lives in a temporary directory and reaches go test through -overlay. For each
// mutant the tests of its own package run first, those that its entry names before the others, and while none fails those
// of the packages that depend on it.
// The program exits with 1 when a mutant survives, and when one cannot be judged: its old text is not found exactly once,
// it does not compile, or the tests fail without it.
//
// A survivor is a missing test. A mutant goes only when it equals the original for every input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"time"
)

func main() {
	run := flag.String("run", "", "only the mutants whose package and name, as in process/ddim-sign, match this `regexp`")
	list := flag.Bool("list", false, "print the mutants with their changes and run nothing")
	quick := flag.Bool("quick", false, "try only the tests that come first, to see what you are writing; a survivor may yet be killed by others")
	jobs := flag.Int("jobs", 1, "how many go tests run at a time")
	limit := flag.Duration("limit", time.Minute, "a mutant hangs after this time and ten times what the tests take without it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command(ctx, *run, *list, *quick, *jobs, *limit)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, run string, list, quick bool, jobs int, limit time.Duration) error {
	chosen, err := choose(all, run)
	if err != nil {
		return err
	}
	if list {
		for _, m := range chosen {
			fmt.Printf("%-42s %s\n%s", m.id(), m.Bug, m.diff())
		}
		return nil
	}
	root, err := moduleRoot(ctx, ".")
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	h, err := newHarness(ctx, root, temp, limit)
	if err != nil {
		return err
	}
	h.quick = quick
	return errors.Join(report(os.Stdout, h.run(ctx, chosen, jobs)), ctx.Err())
}

// choose returns the mutants whose id matches; none is an error.
func choose(mutants []mutant, run string) ([]mutant, error) {
	match, err := regexp.Compile(run)
	if err != nil {
		return nil, fmt.Errorf("-run %s: %w", run, err)
	}
	chosen := slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool { return !match.MatchString(m.id()) })
	if len(chosen) == 0 {
		return nil, fmt.Errorf("-run %s matches none of %d mutants; -list prints them", run, len(mutants))
	}
	return chosen, nil
}
