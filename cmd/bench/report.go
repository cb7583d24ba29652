package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	none        = "–"
	notMeasured = "not measured"
)

// render writes the report, in Markdown.
func render(m facts, set settings, r results) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmark\n\n%d cores, %s, %s, %s. Each way up to %d times. The numbers are medians.\n",
		m.cores, m.platform, m.terraform, m.golang, set.runs)
	b.WriteString(legend)
	for _, err := range r.failures() {
		summary, _, _ := strings.Cut(err.Error(), "\n")
		fmt.Fprintf(&b, "\n**Failed:** %s\n", summary)
	}
	for _, latency := range set.latencies {
		fmt.Fprintf(&b, "\n## The vendors take %v for each answer\n\n", latency)
		table(&b, header(), figureRows(set, r, latency))
		b.WriteString("\nRequests, by kind:\n\n")
		table(&b, []string{"way", "shops", "step", "requests"}, requestRows(set, r, latency))
	}
	fmt.Fprintf(&b, "\n## Standard error\n\nBytes written in one run with %d shops.\n\n", warmUpShops)
	table(&b, []string{"way", "step", "Terraform", "provider"}, writtenRows(set, r))
	return b.String()
}

const legend = `
- pairs: kustom_api_key and mystore_klarna_checkout_credentials; connections: kustom_mystore_connection;
  fleet: kustom_mystore_fleet. The no-op pairs are of a provider that does nothing, with the attributes
  of the pairs and, unless it says so, without the SDK's logging, which the real provider turns off too.
- apply: from nothing. Every shop starts with a key of api.klarna.com. The pairs leave that key where it
  is; connections and fleets delete it.
- plan: right after the apply, and empty.
- × terraform_data, × no-op: how many times as long the step took as the same step of those pairs in the
  same run and, after CPU, how many times as much Terraform and the provider together computed. Modules
  are compared with modules, everything else with what is flat.
- CPU time and peak of resident memory are those of Terraform, of the provider's processes (memory: of
  the largest of them) and of this command, which is both vendors.
- at once: the most requests that were in progress at the same time.
- restapi takes only one token, so the benchmark puts the right token into each of its requests.
`

func header() []string {
	return []string{
		"way", "shops", "step", "runs", "time", "× terraform_data", "× no-op",
		"CPU × terraform_data", "× no-op", "CPU Terraform", "provider", "vendors", "memory Terraform", "provider",
		"requests", "per shop", "connections", "at once", "429",
	}
}

// figureRows returns the rows of one latency, grouped by size.
func figureRows(set settings, r results, latency time.Duration) [][]string {
	var rows [][]string
	for _, shops := range set.allSizes() {
		for _, w := range set.ways {
			if !set.measures(w, shops) {
				continue
			}
			samples := r.samples[cell{latency, shops, w.name}]
			if len(samples) == 0 {
				rows = append(rows, absent(set, w, shops, len(header())))
				continue
			}
			nameBuiltin, nameNoop := w.baselines()
			builtin, noop := r.samples[cell{latency, shops, nameBuiltin}], r.samples[cell{latency, shops, nameNoop}]
			for _, step := range steps {
				row := []string{
					w.title, fmt.Sprint(shops), step, fmt.Sprint(len(samples)), seconds(middle(samples, step, wall)),
					times(ratio(samples, builtin, step, wall)), times(ratio(samples, noop, step, wall)),
					times(ratio(samples, builtin, step, cpuTime)), times(ratio(samples, noop, step, cpuTime)),
				}
				rows = append(rows, slices.Concat(row, processes(samples, step, w), exchanged(samples, step, shops)))
			}
		}
	}
	return rows
}

// absent returns the row of a way without samples.
func absent(set settings, w way, shops, columns int) []string {
	row := slices.Repeat([]string{""}, columns)
	row[0], row[1], row[4] = w.title, fmt.Sprint(shops), "failed"
	if set.missing(w) {
		row[4] = "left out: no binary of the provider was given"
		if w.pages && set.noBrowser {
			row[4] = "left out: there is no browser"
		}
	}
	return row
}

// processes returns the cells about the processes.
func processes(samples []sample, step string, w way) []string {
	if !measured {
		return slices.Repeat([]string{notMeasured}, 5)
	}
	cells := []string{
		seconds(middle(samples, step, func(f figures) time.Duration { return f.terraform.cpu })), none,
		seconds(middle(samples, step, func(f figures) time.Duration { return f.servers })),
		mebibytes(middle(samples, step, func(f figures) int64 { return f.terraform.memory })), none,
	}
	if w.provider != "" {
		cells[1] = seconds(middle(samples, step, func(f figures) time.Duration { return f.provider.cpu }))
		cells[4] = mebibytes(middle(samples, step, func(f figures) int64 { return f.provider.memory }))
	}
	return cells
}

// exchanged returns the cells about the requests.
func exchanged(samples []sample, step string, shops int) []string {
	requests := middle(samples, step, func(f figures) int { return f.total() })
	return []string{
		fmt.Sprint(requests),
		fmt.Sprintf("%.2f", float64(requests)/float64(shops)),
		fmt.Sprint(middle(samples, step, func(f figures) int { return f.connections })),
		fmt.Sprint(middle(samples, step, func(f figures) int { return f.peak })),
		fmt.Sprint(middle(samples, step, func(f figures) int { return f.refused })),
	}
}

// requestRows returns the kinds of requests of one latency, for the ways with requests.
func requestRows(set settings, r results, latency time.Duration) [][]string {
	var rows [][]string
	for _, shops := range set.allSizes() {
		for _, w := range set.ways {
			if !set.measures(w, shops) {
				continue
			}
			samples := r.samples[cell{latency, shops, w.name}]
			for _, step := range steps {
				if text := kinds(samples, step); text != "" {
					rows = append(rows, []string{w.title, fmt.Sprint(shops), step, text})
				}
			}
		}
	}
	return rows
}

// kinds returns the requests of a step, by kind.
func kinds(samples []sample, step string) string {
	all := map[string]bool{}
	for _, s := range samples {
		for kind := range s[step].requests {
			all[kind] = true
		}
	}
	var texts []string
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		n := middle(samples, step, func(f figures) int { return f.requests[kind] })
		texts = append(texts, fmt.Sprintf("%d `%s`", n, kind))
	}
	return strings.Join(texts, ", ")
}

func writtenRows(set settings, r results) [][]string {
	var rows [][]string
	for _, w := range set.ways {
		for _, step := range steps {
			f, ok := r.written[w.name][step]
			if !ok {
				continue
			}
			row := []string{w.title, step, fmt.Sprint(f.stderr), none}
			if w.provider != "" {
				row[3] = fmt.Sprint(f.logged)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func table(b *strings.Builder, header []string, rows [][]string) {
	rule := slices.Repeat([]string{"---"}, len(header))
	for _, row := range slices.Concat([][]string{header, rule}, rows) {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

func times(ratio float64, known bool) string {
	if !known {
		return none
	}
	return fmt.Sprintf("%.2f", ratio)
}
