package portalpages

import (
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

func TestParseTime_AcceptsKnownForms(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 11, 17, 19, 56, 0, 0, time.UTC)
	for _, text := range []string{
		"17 Nov 2025 19:56", "17 Nov 2025, 19:56", "17 November 2025 19:56", "17 November 2025 at 19:56", "Nov 17, 2025, 7:56 PM",
		"Nov 17, 2025, 7:56\u202fPM", "November 17, 2025 at 7:56 PM", "2025-11-17 19:56", "2025-11-17T19:56:00Z", "2025-11-17T20:56:00+01:00",
		"17.11.2025 19:56", "17.11.2025, 19:56", "17 nov. 2025 19:56", "17 Nov 2025 19:56 UTC", "17. nov. 2025, 19:56", "17. november 2025 kl. 19:56",
	} {
		if got, err := parseTime(text); err != nil || !got.at.Equal(at) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]time.Time{
		"1 sep. 2022 13:05": time.Date(2022, 9, 1, 13, 5, 0, 0, time.UTC), "2 maj 2026": time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC),
		"3. desember 2025": time.Date(2025, 12, 3, 0, 0, 0, 0, time.UTC), "3 desember 2025": time.Date(2025, 12, 3, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := parseTime(text); (err != nil) != want.IsZero() || !got.at.Equal(want) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "yesterday", "11/10/2025", "11/10/2025 19:56", "Invalid Date", "2 hours ago", "M00123456-aB3dE"} {
		if got, err := parseTime(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestCellTime_ReadsTextTitleOrAttribute(t *testing.T) {
	t.Parallel()
	words := browser.NewWords(Table(), nil)
	for _, text := range []string{"", "–", "-", "—", "Never", "Never used", "aldri"} {
		if got, err := cellTime(browser.Cell{Text: text}, words); err != nil || got != nil {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, cell := range []browser.Cell{{Text: "2 hours ago", Title: "17 Nov 2025 19:56"}, {Text: "17 Nov", Moment: "2025-11-17T19:56:00Z"}} {
		if got, err := cellTime(cell, words); err != nil || got == nil || got.at.Day() != 17 {
			t.Errorf("%+v is %v, %v", cell, got, err)
		}
	}
	if got, err := cellTime(browser.Cell{Text: "2 hours ago"}, words); err == nil {
		t.Errorf("a relative time is read as %v", got)
	}
}

func TestParseTime_ReturnsPrecision(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"2025-11-17T19:56:00Z": 0, "2025-11-17 19:56:07": 0, "17.11.2025 19:56:07": 0, "17 Nov 2025 19:56": time.Minute,
		"Nov 17, 2025, 7:56 PM": time.Minute, "17. november 2025 kl. 19:56": time.Minute, "17 Nov 2025": day, "2025-11-17": day, "3. desember 2025": day,
	} {
		if got, err := parseTime(text); err != nil || got.precision != want {
			t.Errorf("%q has the precision %v, %v; want %v", text, got.precision, err, want)
		}
	}
}
