package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// binaries returns arguments that name an executable file for each binary.
func binaries(t *testing.T) []string {
	t.Helper()
	executable, err := filepath.Abs("testdata/executable")
	if err != nil {
		t.Fatal(err)
	}
	return []string{"-tf", executable, "-provider", executable, "-noop", executable}
}

func TestParse_ReadsFlags(t *testing.T) {
	set, err := parse(append(binaries(t), "-sizes", "300, 20,300", "-latencies", "30ms,0", "-runs", "1", "-ways", "pairs,noop"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{20, 300}; !slices.Equal(set.sizes, want) {
		t.Errorf("the sizes are %v, want %v", set.sizes, want)
	}
	if want := []time.Duration{0, 30 * time.Millisecond}; !slices.Equal(set.latencies, want) {
		t.Errorf("the latencies are %v, want %v", set.latencies, want)
	}
	if want := []string{"noop", "pairs"}; !slices.Equal(wayNames(set.ways), want) {
		t.Errorf("the ways are %q, want %q", wayNames(set.ways), want)
	}
}

func TestParse_LeavesRestapiOut(t *testing.T) {
	set, err := parse(binaries(t), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range set.ways {
		if got, want := set.missing(w), w.name == "restapi" || w.pages && set.noBrowser; got != want {
			t.Errorf("%s: missing is %t", w.name, got)
		}
	}
}

func TestSettings_MeasurePagesWithTwentyShops(t *testing.T) {
	ways, err := choose("fleet,fleet-pages")
	if err != nil {
		t.Fatal(err)
	}
	set := settings{sizes: []int{10, 30}, ways: ways}
	if want := []int{10, 20, 30}; !slices.Equal(set.allSizes(), want) {
		t.Errorf("the sizes are %v, want %v", set.allSizes(), want)
	}
	for _, w := range ways {
		for _, shops := range set.allSizes() {
			if got := set.measures(w, shops); got != (w.pages == (shops == 20)) {
				t.Errorf("%s is measured with %d shops: %t", w.name, shops, got)
			}
		}
	}
}

func TestParse_RefusesInvalid(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-sizes", "0"}, `"0" is not a number of shops`},
		{[]string{"-sizes", "many"}, `"many" is not a number of shops`},
		{[]string{"-latencies", "-1s"}, `"-1s" is not a duration`},
		{[]string{"-latencies", "30"}, `"30" is not a duration`},
		{[]string{"-ways", "by-hand"}, `there is no way "by-hand"`},
		{[]string{"-runs", "0"}, "at least 1"},
		{[]string{"-restapi", "testdata/missing"}, "testdata/missing"},
		{[]string{"-provider", "testdata/missing"}, "testdata/missing"},
		{[]string{"100"}, `unexpected argument "100"`},
	} {
		_, err := parse(append(binaries(t), test.args...), io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: the error is %v, want one with %q", test.args, err, test.want)
		}
	}
}

// A missing binary is an error only if a way uses it.
func TestParse_FindsUsedBinaries(t *testing.T) {
	if _, err := parse(append(binaries(t), "-noop", "testdata/missing", "-ways", "pairs"), io.Discard); err != nil {
		t.Error(err)
	}
}
