package rotation_test

import (
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestStartOperation_LastOneReturnsPendingKeys(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"nothing is told of the dead shop": false, "a later object tells": true} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-old", "dead": "M2-old"}, m1("M1-old"))
			env.shops.before = failDead
			leaveFirst, leaveLast := env.engine.StartOperation(), env.engine.StartOperation()
			var record rotation.Record
			if kept := env.wantKept(env.connect(config(), &record)); !kept.IsPending() {
				t.Fatalf("kept %v", kept)
			}
			if left := leaveFirst(); left != nil {
				t.Errorf("while another is under way, the first one tells of %v", left)
			}
			if told {
				env.engine.Shops.NoteConfigured("dead", "M2", "")
			}
			env.engine.RetryPending(t.Context())
			if left := leaveLast(); told != (len(left) == 0) || !told && (left[0].Shop != "a" || left[0].Key.Username != "M1-old") {
				t.Errorf("the last one tells of %v", left)
			}
			if again := env.engine.StartOperation()(); again != nil {
				t.Errorf("the next one tells again of %v", again)
			}
			want := []string{record.Username}
			if !told {
				want = append(want, "M1-old")
			}
			env.wantKeys(want...)
		})
	}
}
