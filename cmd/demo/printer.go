package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printer prints to the user, records the passed checks for the summary, and keeps a copy of all output, also
// Terraform's, to search it for secrets.
type printer struct {
	io.Writer
	color      bool
	transcript *bytes.Buffer
	checks     []string
}

func newPrinter(out io.Writer, color bool) *printer {
	transcript := new(bytes.Buffer)
	return &printer{Writer: io.MultiWriter(out, transcript), color: color, transcript: transcript}
}

func (p *printer) headline(n int, title string) {
	fmt.Fprintf(p, "\n%s\n\n", p.style("1", fmt.Sprintf("%d. %s", n, title)))
}

func (p *printer) say(format string, args ...any) {
	fmt.Fprintf(p, format+"\n", args...)
}

// check prints and records the result of a check. It returns the error of a failed one, which ends the demo.
func (p *printer) check(what string, err error) error {
	if err != nil {
		return fmt.Errorf("✗ %s: %w", what, err)
	}
	p.checks = append(p.checks, what)
	p.say("%s %s", p.style("32", "✓"), what)
	return nil
}

// summary repeats all checks.
func (p *printer) summary() {
	fmt.Fprintf(p, "\n%s\n\n", p.style("1", "All of this was checked:"))
	for _, what := range p.checks {
		p.say("%s %s", p.style("32", "✓"), what)
	}
}

func (p *printer) table(rows ...[]string) {
	w := tabwriter.NewWriter(p, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
}

func (p *printer) style(code, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// leaks returns the number of printed secrets.
func (p *printer) leaks(secrets []string) int {
	n := 0
	for _, s := range secrets {
		n += bytes.Count(p.transcript.Bytes(), []byte(s))
	}
	return n
}
