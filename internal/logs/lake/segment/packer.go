package segment

import (
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/compress"
	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// packer packs pages as the codec of parquet-go does, with encoders that last: those of parquet-go go with each garbage
// collection, and each has ten megabytes of memory that must be fresh again.
type packer struct{ parquetzstd.Codec }

var _ compress.Codec = (*packer)(nil)

// encoders that nobody uses. A seal and a merge may run at the same time.
var encoders = make(chan *zstd.Encoder, 2)

// Encode implements compress.Codec.
func (p *packer) Encode(dst, src []byte) ([]byte, error) {
	var e *zstd.Encoder
	select {
	case e = <-encoders:
	default:
		var err error
		if e, err = zstd.NewWriter(nil,
			zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
			zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false),
		); err != nil {
			return nil, err
		}
	}
	dst = e.EncodeAll(src, dst[:0])
	select {
	case encoders <- e:
	default:
	}
	return dst, nil
}
