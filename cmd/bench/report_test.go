package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// example returns results for ten shops: of two ways, of one that failed, and of one without a binary.
func example(t *testing.T) (settings, results) {
	t.Helper()
	ways, err := choose("terraform-data,pairs,fleet,restapi")
	if err != nil {
		t.Fatal(err)
	}
	set := settings{
		sizes: []int{10}, latencies: []time.Duration{30 * time.Millisecond}, ways: ways, runs: 2,
		providers: map[string]string{"kustom": "terraform-provider-kustom"},
	}
	run := func(wall time.Duration, t traffic) sample {
		f := figures{spent: spent{
			wall: wall, servers: time.Second / 4,
			terraform: usage{cpu: wall / 2, memory: 70 << 20}, provider: usage{cpu: wall / 4, memory: 30 << 20},
			stderr: 12, logged: 345,
		}, traffic: t}
		return sample{"apply": f, "plan": f}
	}
	busy := traffic{requests: map[string]int{"portal GET /stores": 3, "mystore GET /shops/{shop}/extensions": 20}, connections: 5, peak: 4, refused: 1}
	at := func(way string) cell { return cell{30 * time.Millisecond, 10, way} }
	return set, results{
		samples: map[cell][]sample{
			at("terraform-data"): {run(time.Second, traffic{}), run(2*time.Second, traffic{})},
			at("pairs"):          {run(3*time.Second, busy), run(4*time.Second, busy)},
		},
		failed:  map[cell]error{at("fleet"): errors.New("fleet, 10 shops: no such resource\nwith more about it")},
		written: map[string]sample{"pairs": run(time.Second, busy)},
	}
}

func TestRender_WritesReport(t *testing.T) {
	if !measured {
		t.Skip("processes are not measured here")
	}
	set, r := example(t)
	report := render(facts{cores: 2, platform: "linux/amd64", terraform: "terraform 1.11.4", golang: "go1.26"}, set, r)
	for _, want := range []string{
		"2 cores, linux/amd64, terraform 1.11.4, go1.26.",
		"\n**Failed:** fleet, 10 shops: no such resource\n",
		"## The vendors take 30ms for each answer\n",
		"| `terraform_data` pairs | 10 | apply | 2 | 1.50 s | 1.00 | – | 1.00 | – | 0.75 s | – | 0.25 s | 70 MiB | – | 0 | 0.00 | 0 | 0 | 0 |\n",
		"| pairs | 10 | plan | 2 | 3.50 s | 2.50 | – | 2.50 | – | 1.75 s | 0.88 s | 0.25 s | 70 MiB | 30 MiB | 23 | 2.30 | 5 | 4 | 1 |\n",
		"| fleet | 10 |  |  | failed |",
		"| `restapi_object` pairs | 10 |  |  | left out: no binary of the provider was given |",
		"| pairs | 10 | apply | 20 `mystore GET /shops/{shop}/extensions`, 3 `portal GET /stores` |\n",
		"| pairs | plan | 12 | 345 |\n",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
}

// Each row of a Markdown table has the cells of its header.
func TestTables_HaveEvenRows(t *testing.T) {
	set, r := example(t)
	columns := 0
	for line := range strings.Lines(render(facts{}, set, r)) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(line, "|")
		if columns != 0 && n != columns {
			t.Errorf("%d columns, want %d: %s", n-1, columns-1, line)
		}
		columns = n
	}
}
