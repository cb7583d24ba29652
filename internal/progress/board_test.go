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

// at is a line about a shop some seconds after noon. Text is its step, its outcome and its key.
func at(seconds int, shop, text string) progress.Line {
	line := progress.Line{Time: noon.Add(time.Duration(seconds) * time.Second), Shop: shop, MerchantID: "M00537204"}
	_, _ = fmt.Sscan(text, &line.Step, &line.Outcome, &line.Key)
	return line
}

func boardOf(lines ...progress.Line) *progress.Board {
	b := &progress.Board{Pause: time.Hour}
	for _, line := range lines {
		b.Add(line)
	}
	return b
}

func wantPicture(t *testing.T, b *progress.Board, seconds int, want string) {
	t.Helper()
	got := strings.Join(b.Render(noon.Add(time.Duration(seconds)*time.Second), 100, 24), "\n")
	if want = strings.TrimSpace(want); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

func TestBoard_ShowsEveryShop(t *testing.T) {
	t.Parallel()
	failed := at(20, "kaffe", "shop failed")
	failed.Error = "mystore refused the token (401)"
	b := boardOf(
		at(0, "fjellsport", "shop planned"), at(0, "kaffe", "shop planned"), at(0, "hagebutikken", "shop planned"), at(0, "ull", "shop planned"),
		at(1, "fjellsport", "shop started"), at(2, "fjellsport", "generate started"), at(3, "fjellsport", "generate done M1_new"),
		at(3, "fjellsport", "delete started M1_old"), at(4, "fjellsport", "delete kept M1_old"), at(5, "fjellsport", "shop done"),
		at(11, "kaffe", "shop started"), failed,
		at(12, "hagebutikken", "shop started"), at(13, "hagebutikken", "prove started M2_new"))
	wantPicture(t, b, 21, `
[###############...............] 50 % of 4 shops, about 20 seconds left
1 done, 1 failed, 1 running, 1 waiting; 1 old key not deleted
kaffe         M00537204    FAILED   mystore refused the token (401)
hagebutikken  M00537204    running  prove M2_new (9 seconds)
fjellsport    M00537204    done     M1_new (1 old key not deleted)
ull           M00537204    waiting`)
}

// A key that was kept is tried again at the end of a fleet.
func TestBoard_ForgetsOldKeyOnceItIsDeleted(t *testing.T) {
	t.Parallel()
	b := boardOf(at(0, "a", "shop started"), at(1, "a", "delete kept M1_old"), at(2, "a", "shop done"), at(3, "a", "delete done M1_old"))
	wantPicture(t, b, 4, `
[##############################] 100 % of 1 shop
1 done, 0 failed, 0 running, 0 waiting
a  M00537204    done`)
}

// The file is also the audit log, with the roll-outs of years.
func TestBoard_BeginsAnewAfterPause(t *testing.T) {
	t.Parallel()
	old := []progress.Line{at(0, "a", "shop started"), at(1, "a", "shop done")}
	recent := []progress.Line{at(4000, "b", "shop planned")}
	b := boardOf(append(old, recent...)...)
	if ended, _ := b.Ended(); ended || strings.Contains(strings.Join(b.Render(noon, 80, 24), "\n"), "M1_new") {
		t.Error("the old roll-out counts")
	}
	wantPicture(t, b, 4001, `
[..............................] 0 % of 1 shop
0 done, 0 failed, 0 running, 1 waiting
b  M00537204    waiting`)
	all := &progress.Board{}
	for _, line := range append(old, recent...) {
		all.Add(line)
	}
	if got := all.Render(noon, 80, 24)[0]; !strings.Contains(got, "50 % of 2 shops") {
		t.Errorf("all is %s", got)
	}
}

func TestBoard_EstimatesByShopsThatHaveEnded(t *testing.T) {
	t.Parallel()
	b := boardOf(at(0, "a", "shop planned"), at(0, "b", "shop planned"), at(0, "c", "shop planned"), at(0, "d", "shop planned"))
	now := noon.Add(time.Minute)
	if _, ok := b.Left(now); ok {
		t.Error("nothing has begun")
	}
	b.Add(at(0, "a", "shop started"))
	if _, ok := b.Left(now); ok {
		t.Error("nothing has ended")
	}
	b.Add(at(60, "a", "shop done"))
	if left, ok := b.Left(now); !ok || left != 3*time.Minute {
		t.Errorf("left are %v, %t", left, ok)
	}
	for _, shop := range []string{"b", "c", "d"} {
		b.Add(at(60, shop, "shop started"))
		b.Add(at(60, shop, "shop failed"))
	}
	if _, ok := b.Left(now); ok {
		t.Error("all have ended")
	}
	if ended, failures := b.Ended(); !ended || failures != 3 {
		t.Errorf("ended: %t, %d failures", ended, failures)
	}
}

// TestBoard_SaysThatNothingHappens instead of an estimate: the run may have been killed.
func TestBoard_SaysThatNothingHappens(t *testing.T) {
	t.Parallel()
	b := boardOf(at(0, "a", "shop started"), at(1, "a", "shop done"), at(1, "b", "shop started"))
	if got := b.Render(noon.Add(5*time.Minute), 80, 24)[0]; !strings.HasSuffix(got, "of 2 shops, nothing new for 5 minutes") {
		t.Errorf("it says %s", got)
	}
}

// TestBoard_ShowsLongCauseWhole in as many lines as it needs.
func TestBoard_ShowsLongCauseWhole(t *testing.T) {
	t.Parallel()
	failed := at(1, "kaffe", "shop failed")
	failed.Error = "reading what the shop holds: Mystore refused the token of the shop with 401: it is wrong, or it has expired since it was made"
	b := boardOf(at(0, "kaffe", "shop started"), failed)
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
		b.Add(at(0, fmt.Sprintf("shop-%03d", n), "shop planned"))
	}
	failed := at(1, "shop-200", "shop failed")
	failed.Error = strings.Repeat("long ", 100)
	b.Add(failed)
	for _, height := range []int{3, 4, 10, 24, 300} {
		lines := b.Render(noon, 60, height)
		if len(lines) >= max(height, 4) {
			t.Errorf("%d lines in a terminal of %d", len(lines), height)
		}
		for _, line := range lines {
			if len([]rune(line)) > 60 {
				t.Errorf("a line is %q", line)
			}
		}
	}
	lines := b.Render(noon, 60, 10)
	if !strings.HasPrefix(lines[2], "shop-200") || lines[len(lines)-1] != "… and 249 more" {
		t.Errorf("the table is\n%s", strings.Join(lines, "\n"))
	}
}

// Text of the file must not control the terminal that shows it.
func TestBoard_PrintsNothingThatMovesTheCursor(t *testing.T) {
	t.Parallel()
	const evil = "a\x1b[2Jb\nc"
	line := progress.Line{Time: noon, Shop: evil, MerchantID: evil, Key: evil, Step: evil, Outcome: evil, Error: evil}
	b := boardOf(at(0, evil, "shop started"), line)
	end := line
	end.Step, end.Outcome = rotation.StepShop, rotation.Failed
	for _, text := range append(b.Render(noon, 200, 24), line.String()) {
		if strings.ContainsAny(text, "\x1b\n") {
			t.Errorf("it prints %q", text)
		}
	}
	b.Add(end)
	if text := strings.Join(b.Render(noon, 200, 24), ""); strings.Contains(text, "\x1b") {
		t.Errorf("it prints %q", text)
	}
}

func TestBoard_IsEmptyAtFirst(t *testing.T) {
	t.Parallel()
	keys := at(0, "", "delete done M1_old")
	wantPicture(t, boardOf(keys), 1, "No shop has begun yet.")
	if ended, _ := boardOf().Ended(); ended {
		t.Error("it has ended")
	}
}
