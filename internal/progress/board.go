package progress

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// state is the progress of a shop, in the order of the table.
type state int

const (
	failed state = iota
	running
	done
	waiting
)

// row is the progress of one shop.
type row struct {
	shop, merchantID string
	state            state
	// last is the last step other than StepShop. key is the shop's new key.
	last Line
	key  string
	// kept has the old keys that could not be deleted, by username.
	kept map[string]bool
	// began is when the run began with the shop. changed is the time of its last line.
	began, changed time.Time
	err            string
}

// Board is the progress of a roll-out: one row for each shop. The zero value is empty.
type Board struct {
	// Pause is the time without a line after which the next line begins another roll-out; 0 if all lines belong to
	// one.
	Pause time.Duration

	rows map[string]*row
	// began is when the first shop of the roll-out began. last is the time of the last line.
	began, last time.Time
}

// Add adds a line. A line about a key without a shop changes nothing.
func (b *Board) Add(line Line) {
	if b.rows == nil || b.Pause > 0 && line.Time.Sub(b.last) > b.Pause {
		b.rows, b.began = map[string]*row{}, time.Time{}
	}
	if line.Time.After(b.last) {
		b.last = line.Time
	}
	if line.Shop == "" {
		return
	}
	r := b.rows[line.Shop]
	if r == nil {
		r = &row{shop: line.Shop, state: waiting, kept: map[string]bool{}}
		b.rows[line.Shop] = r
	}
	r.merchantID = cmp.Or(line.MerchantID, r.merchantID)
	r.changed = line.Time
	if line.Step == rotation.StepShop {
		b.addShop(r, line)
		return
	}
	r.last = line
	switch {
	case line.Step == rotation.StepDelete && line.Outcome == rotation.Kept:
		r.kept[line.Key] = true
	case line.Step == rotation.StepDelete:
		delete(r.kept, line.Key)
	case line.Step == rotation.StepGenerate && line.Outcome == rotation.Done:
		r.key = line.Key
	}
}

// addShop adds the progress of a shop.
func (b *Board) addShop(r *row, line Line) {
	switch line.Outcome {
	case rotation.Planned:
		r.state = waiting
	case rotation.Started:
		*r = row{shop: r.shop, merchantID: r.merchantID, state: running, kept: map[string]bool{}, began: line.Time, changed: line.Time}
		if b.began.IsZero() || line.Time.Before(b.began) {
			b.began = line.Time
		}
	case rotation.Failed:
		r.state, r.err = failed, line.Error
	default:
		r.state, r.err = done, ""
	}
}

// counts returns the number of shops in each state, and in all.
func (b *Board) counts() (in map[state]int, all int) {
	in = map[state]int{}
	for _, r := range b.rows {
		in[r.state]++
	}
	return in, len(b.rows)
}

// Ended reports whether every shop has ended, and how many have failed. Without shops, it is false.
func (b *Board) Ended() (ended bool, failures int) {
	in, all := b.counts()
	return all > 0 && in[waiting]+in[running] == 0, in[failed]
}

// Left estimates the remaining time from the time per ended shop. If nothing is known or nothing is left, ok is
// false.
func (b *Board) Left(now time.Time) (left time.Duration, ok bool) {
	in, all := b.counts()
	over := in[done] + in[failed]
	if b.began.IsZero() || over == 0 || over == all || !now.After(b.began) {
		return 0, false
	}
	return now.Sub(b.began) / time.Duration(over) * time.Duration(all-over), true
}

const (
	// quietLimit is the time without a line after which the table says so.
	quietLimit = time.Minute
	// barWidth is the width of the bar in characters.
	barWidth = 30
	// headLines is the number of lines above the shops.
	headLines = 2
)

// Render returns the table as lines for a terminal of this size: a bar, a summary, and as many shops as fit. Shops
// that need attention come first.
func (b *Board) Render(now time.Time, width, height int) []string {
	in, all := b.counts()
	if all == 0 {
		return []string{truncate("No shop has begun yet.", width)}
	}
	over := in[done] + in[failed]
	lines := []string{
		truncate(bar(over, all)+fmt.Sprintf(" %d %% of %s%s", 100*over/all, plural(all, "shop"), b.forecast(now)), width),
		truncate(b.summary(in), width),
	}
	return append(lines, renderRows(b.sorted(), now, width, height-headLines-1)...)
}

// renderRows returns the lines of as many shops as fit into room lines, and says how many shops do not fit. A cause
// that does not fit whole is cut.
func renderRows(rows []*row, now time.Time, width, room int) []string {
	if room <= 0 {
		return nil
	}
	nameWidth := 0
	for _, r := range rows[:min(len(rows), room)] {
		nameWidth = max(nameWidth, len([]rune(shown(r.shop))))
	}
	var lines []string
	for i, r := range rows {
		left := room - len(lines)
		if i < len(rows)-1 {
			// The last line may have to say how many do not fit.
			left--
		}
		if left < 1 {
			return append(lines, truncate(fmt.Sprintf("… and %d more", len(rows)-i), width))
		}
		next := r.lines(now, nameWidth, width)
		if len(next) > left {
			next = []string{truncate(r.render(now, nameWidth), width)}
		}
		lines = append(lines, next...)
	}
	return lines
}

// bar returns a bar that shows part of all.
func bar(part, all int) string {
	full := barWidth * part / all
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}

// forecast returns the remaining time, or that nothing happens.
func (b *Board) forecast(now time.Time) string {
	if ended, _ := b.Ended(); ended {
		return ""
	}
	if quiet := now.Sub(b.last); quiet > quietLimit {
		return ", nothing new for " + roundedDuration(quiet)
	}
	if left, ok := b.Left(now); ok {
		return ", about " + roundedDuration(left) + " left"
	}
	return ""
}

// roundedDuration formats a duration for a person, in its largest unit.
func roundedDuration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return plural(max(1, int(d.Round(time.Second)/time.Second)), "second")
	case d < time.Hour:
		return plural(int(d.Round(time.Minute)/time.Minute), "minute")
	}
	return fmt.Sprintf("%d h %02d min", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// summary returns the counts of shops and of kept old keys.
func (b *Board) summary(in map[state]int) string {
	text := fmt.Sprintf("%d done, %d failed, %d running, %d waiting", in[done], in[failed], in[running], in[waiting])
	kept := 0
	for _, r := range b.rows {
		kept += len(r.kept)
	}
	if kept > 0 {
		text += fmt.Sprintf("; %s not deleted", plural(kept, "old key"))
	}
	return text
}

// sorted returns the rows in the order of the table. The latest of the finished shops comes first.
func (b *Board) sorted() []*row {
	rows := make([]*row, 0, len(b.rows))
	for _, r := range b.rows {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(x, y *row) int {
		latest := 0
		if x.state == done {
			latest = y.changed.Compare(x.changed)
		}
		return cmp.Or(cmp.Compare(x.state, y.state), latest, cmp.Compare(x.shop, y.shop))
	})
	return rows
}

// lines returns a shop's lines of the table: one, or more for a long cause of a failure, which is shown whole.
func (r *row) lines(now time.Time, nameWidth, width int) []string {
	text := r.render(now, nameWidth)
	if r.state == failed {
		return wrap(text, width)
	}
	return []string{truncate(text, width)}
}

// render returns a shop's row of the table as one line.
func (r *row) render(now time.Time, nameWidth int) string {
	const stateWidth, storeWidth = 8, 11
	text := fmt.Sprintf("%-*s  %-*s  ", nameWidth, shown(r.shop), storeWidth, shown(r.merchantID))
	switch r.state {
	case failed:
		text += fmt.Sprintf("%-*s %s", stateWidth, "FAILED", shown(r.err))
	case running:
		text += fmt.Sprintf("%-*s %s (%s)", stateWidth, "running", r.last.describe(), roundedDuration(now.Sub(r.began)))
	case waiting:
		text += "waiting"
	case done:
		text += fmt.Sprintf("%-*s %s", stateWidth, "done", shown(r.key))
		if len(r.kept) > 0 {
			text += fmt.Sprintf(" (%s not deleted)", plural(len(r.kept), "old key"))
		}
	}
	return strings.TrimRight(text, " ")
}

// describe returns a step for the table.
func (l Line) describe() string {
	text := shown(strings.TrimSpace(fmt.Sprintf("%s %s", l.Step, l.Key)))
	if l.Outcome != rotation.Started && l.Outcome != "" {
		text += ": " + shown(string(l.Outcome))
	}
	return text
}

// String returns the line as printed without a terminal.
func (l Line) String() string {
	parts := []string{l.Time.UTC().Format(time.RFC3339), l.Shop, l.MerchantID, string(l.Step), string(l.Outcome), l.Key}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	text := shown(strings.Join(parts, "  "))
	if l.Error != "" {
		text += ": " + shown(l.Error)
	}
	return text
}

// shown redacts text of the file, which anybody may have written.
func shown(text string) string { return (*vendortext.Redactor)(nil).Show(vendortext.New(text)) }

// wrap breaks a text into lines that fit, at spaces where there are some. All but the first are indented.
func wrap(text string, width int) []string {
	const indent = "    "
	if width <= 2*len(indent) {
		return []string{truncate(text, width)}
	}
	var lines []string
	rest := []rune(text)
	for len(rest) > width {
		end := width
		if space := strings.LastIndex(string(rest[:width+1]), " "); space > len(indent) {
			end = len([]rune(string(rest[:width+1])[:space]))
		}
		lines = append(lines, strings.TrimRight(string(rest[:end]), " "))
		rest = []rune(indent + strings.TrimLeft(string(rest[end:]), " "))
	}
	return append(lines, string(rest))
}

// truncate returns as much of a line as fits.
func truncate(line string, width int) string {
	runes := []rune(line)
	if len(runes) <= width {
		return line
	}
	return string(runes[:max(0, width-1)]) + "…"
}
