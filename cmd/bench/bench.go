package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// steps are the measured commands, in order.
var steps = []string{"apply", "plan"}

// commands has Terraform's arguments for each step. The plan after the apply must be empty: with -detailed-exitcode,
// another one is an error.
var commands = map[string][]string{
	"apply": {"apply", "-auto-approve", "-input=false", "-no-color"},
	"plan":  {"plan", "-detailed-exitcode", "-input=false", "-no-color"},
}

// figures are the measurements of one step.
type figures struct {
	spent
	traffic
}

// sample is one run of a way: its figures, by step.
type sample map[string]figures

// cell identifies a measurement, which is repeated in each run.
type cell struct {
	latency time.Duration
	shops   int
	way     string
}

// results are all measurements.
type results struct {
	// samples has the runs in order. A slow way has only one.
	samples map[cell][]sample
	failed  map[cell]error
	// written has, by way, the run that counted the bytes of standard error.
	written map[string]sample
}

// failures returns the errors, sorted.
func (r results) failures() []error {
	return slices.SortedFunc(maps.Values(r.failed), func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
}

type bench struct {
	settings
	out     io.Writer
	results results
}

func newBench(set settings, out io.Writer) *bench {
	return &bench{settings: set, out: out, results: results{
		samples: map[cell][]sample{}, failed: map[cell]error{}, written: map[string]sample{},
	}}
}

// measure runs all ways in turn, as often as requested, so that a temporary disturbance affects all of them. After a
// failure, it skips the way at that size.
func (b *bench) measure(ctx context.Context) error {
	b.warmUp(ctx)
	for _, latency := range b.latencies {
		for _, shops := range b.allSizes() {
			for run := range b.runs {
				for _, w := range b.ways {
					if b.measures(w, shops) {
						b.once(ctx, cell{latency, shops, w.name}, w, run)
					}
				}
			}
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(b.results.failures()...)
}

// once measures one run of a way, unless that is unnecessary.
func (b *bench) once(ctx context.Context, c cell, w way, run int) {
	if ctx.Err() != nil || b.missing(w) || b.results.failed[c] != nil || (run > 0 && (w.pages || b.tooLong(c))) {
		return
	}
	s, err := b.run(ctx, c, w, false)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		b.fail(c, err)
		return
	}
	b.results.samples[c] = append(b.results.samples[c], s)
	fmt.Fprintf(b.out, "%-24s %5d shops, %5v, run %d: apply %s, plan %s\n",
		w.name, c.shops, c.latency, run+1, seconds(s["apply"].wall), seconds(s["plan"].wall))
}

func (b *bench) fail(c cell, err error) {
	b.results.failed[c] = fmt.Errorf("%s, %d shops, %v: %w", c.way, c.shops, c.latency, err)
	fmt.Fprintln(b.out, b.results.failed[c])
}

// tooLong reports whether the way is so slow that one run is enough.
func (b *bench) tooLong(c cell) bool {
	var sum time.Duration
	for _, f := range b.results.samples[c][0] {
		sum += f.wall
	}
	return sum >= b.settings.once
}

// warmUpShops is the number of shops in the warm-up.
const warmUpShops = 20

// warmUp runs each way by the APIs once before the measurements. The provider's standard error goes to a file, to count it. In a
// measured run it goes to Terraform, where nothing can count it.
func (b *bench) warmUp(ctx context.Context) {
	for _, w := range b.ways {
		if ctx.Err() != nil || b.missing(w) || w.pages {
			continue
		}
		s, err := b.run(ctx, cell{shops: warmUpShops, way: w.name}, w, true)
		if err == nil {
			b.results.written[w.name] = s
		} else if ctx.Err() == nil {
			b.fail(cell{b.latencies[0], b.sizes[0], w.name}, err)
		}
	}
}

// run applies a way to shops with legacy keys, and plans again.
func (b *bench) run(ctx context.Context, c cell, w way, logged bool) (sample, error) {
	srv, err := startServers(w, c.shops, c.latency)
	if err != nil {
		return nil, err
	}
	defer srv.close()
	ws, err := newWorkspace(b.settings, w, srv, logged)
	if err != nil {
		return nil, err
	}
	defer ws.close()
	tf := terraform{bin: b.terraform, workspace: ws}
	if len(w.module) > 0 {
		if _, err := tf.run(ctx, "get"); err != nil {
			return nil, err
		}
	}
	s := sample{}
	for _, step := range steps {
		spent, err := tf.run(ctx, commands[step]...)
		if err != nil {
			return nil, err
		}
		s[step] = figures{spent, srv.take()}
	}
	if w.provider == "kustom" || w.provider == "restapi" {
		return s, srv.check()
	}
	return s, nil
}
