package progress_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/progress"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// lineAt returns a line about a shop, some seconds after noon. Text has its step, outcome and key.
func lineAt(seconds int, shop, text string) progress.Line {
	line := progress.Line{Time: noon.Add(time.Duration(seconds) * time.Second), Shop: shop, MerchantID: "M00537204"}
	_, _ = fmt.Sscan(text, &line.Step, &line.Outcome, &line.Key)
	return line
}

// failedAt is like lineAt for a shop that failed.
func failedAt(seconds int, shop, cause string) progress.Line {
	line := lineAt(seconds, shop, "shop failed")
	line.Error = cause
	return line
}

func boardOf(lines ...progress.Line) *progress.Board {
	b := &progress.Board{Pause: time.Hour}
	for _, line := range lines {
		b.Add(line)
	}
	return b
}

// wantTable checks the table some seconds after noon.
func wantTable(t *testing.T, b *progress.Board, seconds int, want string) {
	t.Helper()
	got := strings.Join(b.Render(noon.Add(time.Duration(seconds)*time.Second), 100, 24), "\n")
	if want = strings.TrimSpace(want); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

func TestBoard_ShowsEveryShop(t *testing.T) {
	t.Parallel()
	b := boardOf(
		lineAt(0, "fjellsport", "shop planned"), lineAt(0, "kaffe", "shop planned"), lineAt(0, "hagebutikken", "shop planned"), lineAt(0, "ull", "shop planned"),
		lineAt(1, "fjellsport", "shop started"), lineAt(2, "fjellsport", "generate started"), lineAt(3, "fjellsport", "generate done M1_new"),
		lineAt(3, "fjellsport", "delete started M1_old"), lineAt(4, "fjellsport", "delete kept M1_old"), lineAt(5, "fjellsport", "shop done"),
		lineAt(11, "kaffe", "shop started"), failedAt(20, "kaffe", "mystore refused the token (401)"),
		lineAt(12, "hagebutikken", "shop started"), lineAt(13, "hagebutikken", "prove started M2_new"))
	wantTable(t, b, 21, `
[###############...............] 50 % of 4 shops, about 20 seconds left
1 done, 1 failed, 1 running, 1 waiting; 1 old key not deleted
kaffe         M00537204    FAILED   mystore refused the token (401)
hagebutikken  M00537204    running  prove M2_new (9 seconds)
fjellsport    M00537204    done     M1_new (1 old key not deleted)
ull           M00537204    waiting`)
}

// At the end of a fleet, the provider tries again to delete the keys that it kept.
func TestBoard_DropsKeptKeyOnceDeleted(t *testing.T) {
	t.Parallel()
	b := boardOf(lineAt(0, "a", "shop started"), lineAt(1, "a", "delete kept M1_old"), lineAt(2, "a", "shop done"), lineAt(3, "a", "delete done M1_old"))
	wantTable(t, b, 4, `
[##############################] 100 % of 1 shop
1 done, 0 failed, 0 running, 0 waiting
a  M00537204    done`)
}

// The file is also the audit log, so it may hold years of roll-outs.
func TestBoard_StartsOverAfterPause(t *testing.T) {
	t.Parallel()
	old := []progress.Line{lineAt(0, "a", "shop started"), lineAt(1, "a", "shop done")}
	recent := []progress.Line{lineAt(4000, "b", "shop planned")}
	b := boardOf(append(old, recent...)...)
	if ended, _ := b.Ended(); ended || strings.Contains(strings.Join(b.Render(noon, 80, 24), "\n"), "M1_new") {
		t.Error("the board still shows the earlier roll-out")
	}
	wantTable(t, b, 4001, `
[..............................] 0 % of 1 shop
0 done, 0 failed, 0 running, 1 waiting
b  M00537204    waiting`)
	all := &progress.Board{}
	for _, line := range append(old, recent...) {
		all.Add(line)
	}
	if got := all.Render(noon, 80, 24)[0]; !strings.Contains(got, "50 % of 2 shops") {
		t.Errorf("without a pause, the first line is %s", got)
	}
}

func TestBoard_EstimatesFromEndedShops(t *testing.T) {
	t.Parallel()
	b := boardOf(lineAt(0, "a", "shop planned"), lineAt(0, "b", "shop planned"), lineAt(0, "c", "shop planned"), lineAt(0, "d", "shop planned"))
	wantLeft := func(when string, want time.Duration) {
		t.Helper()
		if left, ok := b.Left(noon.Add(time.Minute)); left != want || ok != (want > 0) {
			t.Errorf("%s, the estimate is %v, %t, want %v", when, left, ok, want)
		}
	}
	wantLeft("before the first shop starts", 0)
	b.Add(lineAt(0, "a", "shop started"))
	wantLeft("before the first shop ends", 0)
	b.Add(lineAt(60, "a", "shop done"))
	wantLeft("after one of four shops", 3*time.Minute)
	for _, shop := range []string{"b", "c", "d"} {
		b.Add(lineAt(60, shop, "shop started"))
		b.Add(lineAt(60, shop, "shop failed"))
	}
	wantLeft("after the last shop", 0)
	if ended, failures := b.Ended(); !ended || failures != 3 {
		t.Errorf("ended is %t with %d failures, want true with 3", ended, failures)
	}
}

// A run without news may have been killed, so an estimate would mislead.
func TestBoard_ReportsSilenceInsteadOfEstimate(t *testing.T) {
	t.Parallel()
	b := boardOf(lineAt(0, "a", "shop started"), lineAt(1, "a", "shop done"), lineAt(1, "b", "shop started"))
	if got := b.Render(noon.Add(5*time.Minute), 80, 24)[0]; !strings.HasSuffix(got, "of 2 shops, nothing new for 5 minutes") {
		t.Errorf("the first line is %s", got)
	}
}

func TestBoard_WrapsLongCause(t *testing.T) {
	t.Parallel()
	b := boardOf(lineAt(0, "kaffe", "shop started"), failedAt(1, "kaffe",
		"reading what the shop holds: Mystore refused the token of the shop with 401: it is wrong, or it has expired since it was made"))
	want := []string{
		"kaffe  M00537204    FAILED   reading what the shop holds:",
		"    Mystore refused the token of the shop with 401: it is",
		"    wrong, or it has expired since it was made",
	}
	if got := b.Render(noon, 60, 24)[2:]; !slices.Equal(got, want) {
		t.Errorf("the shop's lines are %q, want %q", got, want)
	}
	if got := b.Render(noon, 60, 5)[2:]; len(got) != 1 || !strings.HasSuffix(got[0], "…") {
		t.Errorf("in a small terminal, the shop's lines are %q", got)
	}
}

func TestBoard_FitsTerminal(t *testing.T) {
	t.Parallel()
	b := &progress.Board{}
	for n := range 250 {
		b.Add(lineAt(0, fmt.Sprintf("shop-%03d", n), "shop planned"))
	}
	b.Add(failedAt(1, "shop-200", strings.Repeat("long ", 100)))
	for _, height := range []int{3, 4, 10, 24, 300} {
		lines := b.Render(noon, 60, height)
		if len(lines) >= max(height, 4) {
			t.Errorf("%d lines in a terminal of %d", len(lines), height)
		}
		for _, line := range lines {
			if len([]rune(line)) > 60 {
				t.Errorf("this line is too wide: %q", line)
			}
		}
	}
	lines := b.Render(noon, 60, 10)
	if !strings.HasPrefix(lines[2], "shop-200") || lines[len(lines)-1] != "… and 249 more" {
		t.Errorf("the table is\n%s", strings.Join(lines, "\n"))
	}
}

func TestBoard_PrintsNoControlCharacters(t *testing.T) {
	t.Parallel()
	const evil = "a\x1b[2Jb\nc"
	line := progress.Line{Time: noon, Shop: evil, MerchantID: evil, Key: evil, Step: evil, Outcome: evil, Error: evil}
	b := boardOf(lineAt(0, evil, "shop started"), line)
	end := line
	end.Step, end.Outcome = rotation.StepShop, rotation.Failed
	for _, text := range append(b.Render(noon, 200, 24), line.String()) {
		if strings.ContainsAny(text, "\x1b\n") {
			t.Errorf("the board prints %q", text)
		}
	}
	b.Add(end)
	if text := strings.Join(b.Render(noon, 200, 24), ""); strings.Contains(text, "\x1b") {
		t.Errorf("the board prints %q", text)
	}
}

func TestBoard_IsEmptyAtFirst(t *testing.T) {
	t.Parallel()
	wantTable(t, boardOf(lineAt(0, "", "delete done M1_old")), 1, "No shop has begun yet.")
	if ended, _ := boardOf().Ended(); ended {
		t.Error("an empty board has ended")
	}
}
