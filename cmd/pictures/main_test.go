package main

import (
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// limit is the maximum size of a picture in bytes. Every clone of the repository has all pictures.
const limit = 150 << 10

func names(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	return names
}

// The README shows exactly the pictures of the directory.
func TestPictures_AreInReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, found := range regexp.MustCompile(`!\[[^\]]+\]\(\.github/pictures/([^)]+)\)`).FindAllSubmatch(readme, -1) {
		shown = append(shown, string(found[1]))
	}
	slices.Sort(shown)
	there := names(t, "../../.github/pictures")
	if len(there) == 0 || !slices.Equal(shown, there) {
		t.Errorf("the README shows %q, and there are %q", shown, there)
	}
	for _, name := range there {
		info, err := os.Stat(filepath.Join("../../.github/pictures", name))
		if err != nil || info.Size() > limit {
			t.Errorf("%s: %v, or more than %d bytes", name, err, limit)
		}
	}
}

// TestRun_TakesPictures takes all pictures of the README.
func TestRun_TakesPictures(t *testing.T) {
	if _, err := findBrowser(""); err != nil {
		t.Skip(err)
	}
	out, tmp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	if err := run(t.Context(), "", out, "../../internal/report/testdata/switch-fleet-plan-after-failure.json"); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, out), names(t, "../../.github/pictures"); !slices.Equal(got, want) {
		t.Errorf("it takes %q, and the README has %q", got, want)
	}
	for _, name := range names(t, out) {
		checkPicture(t, filepath.Join(out, name))
	}
	if left := names(t, tmp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// checkPicture expects a PNG with the width of a window or of a phone.
func checkPicture(t *testing.T, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	width := 1000
	if filepath.Base(path) == "report-plan-phone.png" {
		width = 390
	}
	if size := picture.Bounds().Size(); size.X != width || size.Y < 500 {
		t.Errorf("%s is %v", path, size)
	}
}

func TestFindBrowser_NeedsBrowser(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := findBrowser(""); err == nil {
		t.Error("found a browser in an empty PATH")
	}
	if _, err := findBrowser("no-such-browser"); err == nil {
		t.Error("found a browser that does not exist")
	}
}

func TestSwitchShop_InstallsKey(t *testing.T) {
	s, err := sandbox.New(sandbox.ThreeShops(), sandbox.Options{Clock: fixed{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := switchShop(s, shop, merchantID); err != nil {
		t.Fatal(err)
	}
	status, err := s.EndpointStatus(merchantID)
	if err != nil || status.ActionRequired || s.Working(shop) != nil || len(s.Keys(merchantID)) != 1 {
		t.Errorf("the shop is not switched: %+v, %v, %v", status, err, s.Working(shop))
	}
}
