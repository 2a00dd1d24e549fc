package segment

import (
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/compress"
	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// packer packs pages as the codec of parquet-go does, with encoders that last: those of parquet-go go with each garbage
// collection, and each has ten megabytes of memory that must be fresh again.
type packer struct {
	parquetzstd.Codec
	level zstd.EncoderLevel
	idle  chan *zstd.Encoder // that nobody uses; a seal and a merge may run at the same time
}

var (
	_ compress.Codec = (*packer)(nil)
	// better packs what repeats: the messages, and columns of few values.
	better = &packer{level: zstd.SpeedBetterCompression, idle: make(chan *zstd.Encoder, 2)}
	// fastest packs addresses and times, of which a block has thousands: they are 2 % smaller with better, in three to six
	// times the time.
	fastest = &packer{level: zstd.SpeedFastest, idle: make(chan *zstd.Encoder, 2)}
)

// window is how far back a page is searched for what repeats, bytes. As much stays in the processor's own cache, also
// while others use the memory of the machine: then it saves a sixth of the time of better. It costs 0.7 % of the size.
const window = 512 << 10

// frameBytes is how much of a page becomes a frame of its own, at least: to read one message, one of them is unpacked.
// Frames of this length cost 0.6 % of the size.
const frameBytes = 1 << 20

// Encode implements compress.Codec. Frames one after another are one page to every reader (RFC 8878, 3).
func (p *packer) Encode(dst, src []byte) ([]byte, error) {
	var e *zstd.Encoder
	select {
	case e = <-p.idle:
	default:
		var err error
		if e, err = zstd.NewWriter(nil,
			zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(p.level),
			zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false), zstd.WithWindowSize(window),
		); err != nil {
			return nil, err
		}
	}
	dst = dst[:0]
	pieces := max(len(src)/frameBytes, 1)
	for i := range pieces {
		dst = e.EncodeAll(src[len(src)*i/pieces:len(src)*(i+1)/pieces], dst)
	}
	select {
	case p.idle <- e:
	default:
	}
	return dst, nil
}
