package portalpages

import (
	"fmt"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// timeLayouts are the layouts in which the portal may write a time. The first is its own, seen in pictures of November
// 2025. The browser asks for English and UTC. Layouts in which day and month can be confused are left out.
var timeLayouts = [...]string{
	"2 Jan 2006 15:04", "2 Jan 2006, 15:04", "2 Jan 2006 15:04:05", "2 Jan 2006, 15:04:05", "2 Jan 2006",
	"2 Jan 2006 at 15:04",
	"Jan 2, 2006, 3:04 PM", "Jan 2, 2006 3:04 PM", "Jan 2, 2006, 15:04", "Jan 2, 2006 15:04", "Jan 2, 2006",
	"Jan 2, 2006 at 3:04 PM",
	"Mon, 2 Jan 2006 15:04", "Mon, 2 Jan 2006, 15:04", "Mon 2 Jan 2006 15:04",
	"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02, 15:04", "2006-01-02",
	"2.1.2006 15:04", "2.1.2006, 15:04", "2.1.2006 15:04:05", "2.1.2006, 15:04:05", "2.1.2006",
}

// months are month names in the other languages of the portal's users, if they differ from the English ones.
// Each user chooses the portal's language. That the portal uses these names is an assumption.
var months = map[string]string{
	"january": "Jan", "february": "Feb", "march": "Mar", "may": "May", "june": "Jun", "july": "Jul", "october": "Oct",
	"januar": "Jan", "januari": "Jan", "februar": "Feb", "februari": "Feb", "mars": "Mar", "april": "Apr", "mai": "May", "maj": "May",
	"juni": "Jun", "juli": "Jul", "augusti": "Aug", "september": "Sep", "sept": "Sep", "okt": "Oct", "oktober": "Oct", "november": "Nov",
	"des": "Dec", "desember": "Dec", "december": "Dec", "jan": "Jan", "feb": "Feb", "apr": "Apr", "jun": "Jun", "jul": "Jul",
	"aug": "Aug", "august": "Aug", "sep": "Sep", "nov": "Nov", "mar": "Mar",
}

// shownTime is a time as a page shows it. The true time can be later by less than precision.
type shownTime struct {
	at        time.Time
	precision time.Duration
}

// time returns the shown time; nil if s is nil.
func (s *shownTime) time() *time.Time {
	if s == nil {
		return nil
	}
	return &s.at
}

const day = 24 * time.Hour

// precisionOf returns how exact a time in one of the timeLayouts is.
func precisionOf(layout string) time.Duration {
	switch {
	case strings.Contains(layout, ":05"):
		return 0
	case strings.Contains(layout, ":04"):
		return time.Minute
	}
	return day
}

// parseTime parses a time in one of the known timeLayouts, or in RFC 3339.
func parseTime(text string) (shownTime, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return shownTime{at: at.UTC()}, nil
	}
	plain := strings.NewReplacer("\u202f", " ", "Sept ", "Sep ", " UTC", "", " GMT", "", " kl. ", " ", " · ", " ").Replace(text)
	words := strings.Fields(plain)
	for i, word := range words {
		if month, ok := months[strings.ToLower(strings.TrimRight(word, ".,"))]; ok {
			if i > 0 {
				// Norwegian writes "17. november".
				words[i-1] = strings.TrimSuffix(words[i-1], ".")
			}
			words[i] = month + strings.TrimLeft(word[len(strings.TrimRight(word, ".,")):], ".")
		}
	}
	plain = strings.Join(words, " ")
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, plain); err == nil {
			return shownTime{at, precisionOf(layout)}, nil
		}
	}
	return shownTime{}, fmt.Errorf("%q is not a date in a known form", text)
}

// cellTime reads a cell with a date. It returns nil if the cell says that there is none.
func cellTime(cell browser.Cell, words browser.Words) (*shownTime, error) {
	if cell.Moment != "" {
		if at, err := parseTime(cell.Moment); err == nil {
			return &at, nil
		}
	}
	if strings.Trim(cell.Text, "–—-− ") == "" || words.Is(cell.Text, labelNever) {
		return nil, nil
	}
	at, err := parseTime(cell.Text)
	if err != nil && cell.Title != "" {
		// A page may show "2 hours ago", and have the exact time in an attribute.
		at, err = parseTime(cell.Title)
	}
	if err != nil {
		return nil, err
	}
	return &at, nil
}
