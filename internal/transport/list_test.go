package transport_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport/transporttest"
)

// listed is one page of the lists of these tests.
type listed struct {
	Things transport.Items[answer] `json:"things"`
	Next   string                  `json:"next"`
}

func (l listed) Content() (items transport.Items[answer], next string) { return l.Things, l.Next }

// things is a page of n things, of a few bytes each.
func things(n int, next string) string {
	return `{"things":[` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + `],"next":"` + next + `"}`
}

func byCursor(first transport.Request, cursor string) (transport.Request, error) {
	first.Query = url.Values{"cursor": {cursor}}
	return first, nil
}

// readList reads a list whose page n is answer(n). It returns the number of items and of requested pages.
func readList(t *testing.T, answer func(page int) string) (items, pages int, err error) {
	t.Helper()
	client := clientOver(roundTripper(func(r *http.Request) (*http.Response, error) {
		pages++
		return transporttest.Answer{Status: http.StatusOK, ContentType: transport.JSON, Body: answer(pages)}.RoundTrip(r)
	}), 0, clocktest.New(noon))
	for _, one := range transport.List[listed](t.Context(), client, "things", request(http.MethodGet), byCursor) {
		if err = one; err != nil {
			break
		}
		items++
	}
	return items, pages, err
}

func TestList_ReadsAllPages(t *testing.T) {
	t.Parallel()
	items, pages, err := readList(t, func(page int) string {
		if page == 3 {
			return things(7, "")
		}
		return things(100, fmt.Sprint(page))
	})
	if items != 207 || pages != 3 || err != nil {
		t.Errorf("%d items on %d pages: %v", items, pages, err)
	}
}

// Without the limit, one data source sent 427,492 requests in a minute.
func TestList_EndsEndlessList(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer  func(page int) string
		reason  string
		atMost  int
		untyped bool
	}{
		"same cursor":               {answer: func(int) string { return things(1, "again") }, reason: "the same page twice", atMost: 2},
		"two cursors":               {answer: func(page int) string { return things(1, fmt.Sprint(page%2)) }, reason: "the same page twice", atMost: 3},
		"empty pages":               {answer: func(page int) string { return things(0, fmt.Sprint(page)) }, reason: "two empty pages", atMost: 2},
		"empty pages, not in a row": {answer: func(page int) string { return things(page%2, fmt.Sprint(page)) }, reason: "two empty pages", atMost: 4},
		"new cursors":               {answer: func(page int) string { return things(1, fmt.Sprint(page)) }, reason: "returned more than 1000 pages", atMost: 1000},
		"many items":                {answer: func(page int) string { return things(1000, fmt.Sprint(page)) }, reason: "more than 50000 items", atMost: 51},
		"long cursor":               {answer: func(int) string { return things(1, strings.Repeat("x", 9<<10)) }, reason: "names the next page", atMost: 1},
		"large pages": {answer: func(page int) string {
			return `{"things":[{}],"unknown":"` + strings.Repeat("x", 9<<20) + `","next":"` + fmt.Sprint(page) + `"}`
		}, reason: "more than 64 MiB", atMost: 8},
		"large page":   {answer: func(int) string { return things(1001, "") }, reason: "more than 1000 items", atMost: 1, untyped: true},
		"no list":      {answer: func(int) string { return `{"next":"1"}` }, reason: "has no list", atMost: 1, untyped: true},
		"null":         {answer: func(int) string { return `{"things":null}` }, reason: "has no list", atMost: 1, untyped: true},
		"another type": {answer: func(int) string { return `{"things":{"a":1}}` }, reason: "another type", atMost: 1, untyped: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, pages, err := readList(t, test.answer)
			var endless *transport.EndlessListError
			if errors.As(err, &endless) == test.untyped || err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("the error is %v", err)
			}
			if pages > test.atMost {
				t.Errorf("%d pages were requested", pages)
			}
		})
	}
}

// Without the limit, five answers of 10 MB took 8 GB of memory.
func TestItems_TakesNoMemoryForMore(t *testing.T) {
	list := []byte("[" + strings.Repeat("{},", 300_000) + "{}]")
	var items transport.Items[answer]
	allocations := testing.AllocsPerRun(1, func() {
		if items.UnmarshalJSON(list) == nil {
			t.Error("a list of too many items was accepted")
		}
	})
	if allocations > 10_000 {
		t.Errorf("there were %v allocations", allocations)
	}
}

// The limit counts decompressed bytes, not bytes on the wire.
func TestList_BoundsBytesAfterDecompression(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write([]byte(`{"next":"`))
	for range 64 {
		_, _ = zip.Write(bytes.Repeat([]byte("x"), 1<<20))
	}
	_ = zip.Close()
	env := newTestEnv(t, 0, respond(http.StatusOK, transport.JSON, zipped.String(), "Content-Encoding", "gzip"))
	for _, err := range transport.List[listed](t.Context(), env.client, "things", request(http.MethodGet), byCursor) {
		if err == nil || !strings.Contains(err.Error(), "larger than 10 MiB") {
			t.Errorf("the error is %v", err)
		}
	}
}
